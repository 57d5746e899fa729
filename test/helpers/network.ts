import net from "node:net";

/** A network between the pool and PostgreSQL that can fail: no TCP port of the server is needed, nor is it ever stopped. */
export type Network = {
  url: string;
  /** Connections made so far. */
  readonly accepted: number;
  /** From now on not a byte passes, on old and on new connections, and nothing is closed. */
  freeze: () => void;
  /**
   * The connection on which the server is next told these words breaks: before it hears of them, or else when it answers, which nobody hears.
   * So do those on which it is told them again, so many times in all.
   */
  breakAt: (words: string, when: "told" | "answered", times?: number) => void;
  /** From now on every new connection is closed as soon as it is made. */
  slam: () => void;
  /** Back to normal for new connections. */
  heal: () => void;
  /** Closes what is open, while the server may still be at work. */
  cut: () => void;
  /** Nobody listens any more. */
  down: () => Promise<void>;
  up: () => Promise<void>;
};

export async function startNetwork(to: { host: string; port: number; user: string; database: string }): Promise<Network> {
  let mode: "forward" | "freeze" | "slam" = "forward";
  let accepted = 0;
  let breaking: { words: string; when: "told" | "answered"; times: number } | undefined;
  const pairs = new Set<[near: net.Socket, far: net.Socket]>();
  const server = net.createServer(accept);

  function accept(near: net.Socket): void {
    accepted += 1;
    near.on("error", () => {});
    if (mode === "slam") return void near.destroy();
    const far = to.host.startsWith("/") ? net.connect(`${to.host}/.s.PGSQL.${to.port}`) : net.connect(to.port, to.host);
    far.on("error", () => {});
    const pair: [net.Socket, net.Socket] = [near, far];
    pairs.add(pair);
    let mute = false;
    near.on("data", (bytes) => {
      if (breaking && bytes.includes(breaking.words)) {
        mute = true;
        if (breaking.when === "told") near.destroy();
        if (--breaking.times === 0) breaking = undefined;
      }
      if (mode !== "freeze" && !near.destroyed) far.write(bytes);
    });
    far.on("data", (bytes) => {
      if (mute) near.destroy();
      else if (mode !== "freeze") near.write(bytes);
    });
    for (const [one, other] of [pair, [far, near] as const]) {
      one.on("close", () => {
        if (mode !== "freeze") other.destroy();
        pairs.delete(pair);
      });
    }
  }

  function cut(): void {
    for (const pair of pairs) for (const socket of pair) socket.destroy();
  }

  async function listen(port: number): Promise<number> {
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    return (server.address() as net.AddressInfo).port;
  }

  const port = await listen(0);
  return {
    url: `postgres://${to.user}@127.0.0.1:${port}/${to.database}`,
    get accepted() {
      return accepted;
    },
    freeze() {
      mode = "freeze";
    },
    breakAt(words, when, times = 1) {
      breaking = { words, when, times };
    },
    slam() {
      mode = "slam";
    },
    heal() {
      mode = "forward";
    },
    cut,
    async down() {
      const closed = new Promise((resolve) => server.close(resolve));
      cut();
      await closed;
    },
    async up() {
      await listen(port);
    },
  };
}
