import { type ChildProcess, spawn } from "node:child_process";
import { chown, mkdir, stat, writeFile } from "node:fs/promises";
import net from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** PgBouncer in front of a server, giving out its connections a transaction at a time; fewer than its clients hold. */
export type Pooler = {
  /** The folder of its socket, to be used in place of the server's. */
  host: string;
  /** Kills it and starts it again. */
  restart: () => Promise<void>;
  stop: () => Promise<void>;
};

/** `server`: the folder of the server's socket. As root it runs as the folder's owner, for it refuses to be root. */
export async function startPooler(program: string, server: string, settings: Record<string, string> = {}): Promise<Pooler> {
  const host = join(server, "pooler");
  await mkdir(host, { recursive: true });
  const { uid, gid } = await stat(server);
  const config = join(host, "pgbouncer.ini");
  const chosen = {
    listen_addr: "",
    listen_port: "5432",
    unix_socket_dir: host,
    auth_type: "any",
    pool_mode: "transaction",
    default_pool_size: "3",
    max_client_conn: "500",
    ...settings,
  };
  const lines = Object.entries(chosen).map(([name, value]) => `${name} = ${value}\n`);
  await writeFile(config, `[databases]\n* = host=${server} port=5432 user=crm\n[pgbouncer]\n${lines.join("")}`);
  await chown(host, uid, gid);
  const account = process.getuid?.() === 0 ? { uid, gid } : {};
  let running: ChildProcess;

  async function start(): Promise<void> {
    let said = "";
    running = spawn(program, [config], { ...account, cwd: "/", stdio: ["ignore", "ignore", "pipe"] });
    running.stderr?.setEncoding("utf8").on("data", (text) => (said = (said + text).slice(-2_000)));
    for (let tries = 0; tries < 500; tries++) {
      if (running.exitCode !== null) break;
      if (await answers(join(host, ".s.PGSQL.5432"))) return;
      await sleep(10);
    }
    throw new Error(`${program} did not start: ${said}`);
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const ended = new Promise((done) => running.once("exit", done));
    running.kill(signal);
    await ended;
  }

  await start();
  return {
    host,
    async restart() {
      await end("SIGKILL");
      await start();
    },
    stop: () => end("SIGTERM"),
  };
}

function answers(path: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = net.connect({ path });
    socket.once("connect", () => done(true)).once("error", () => done(false));
    socket.once("connect", () => socket.destroy());
  });
}
