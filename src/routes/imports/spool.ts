import { type FileHandle, mkdir, open, unlink } from "node:fs/promises";
import { join } from "node:path";
import { Problem } from "../../kit/problem.ts";

/** A file that arrived, on our disk, to be read as often as one likes. It has no name: when the process ends, whatever ends it, nothing stays. */
export type Spool = {
  /** Passes pieces on as they are kept. */
  keep: (bytes: AsyncIterable<Uint8Array>) => AsyncGenerator<Uint8Array>;
  read: () => AsyncIterable<Uint8Array>;
  close: () => Promise<void>;
};

export async function openSpool(folder: string, id: string): Promise<Spool> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${id}.part`);
  const file = await open(path, "wx+", 0o600);
  await unlink(path);
  return {
    async *keep(bytes) {
      for await (const piece of bytes) {
        await writeAll(file, piece);
        yield piece;
      }
    },
    read: () => readAll(file),
    close: () => file.close(),
  };
}

const PIECE = 262_144;

/** A stream of the file would close it with its own end. */
async function* readAll(file: FileHandle): AsyncGenerator<Uint8Array> {
  for (let at = 0; ; ) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(PIECE), 0, PIECE, at);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}

async function writeAll(file: FileHandle, piece: Uint8Array): Promise<void> {
  try {
    for (let at = 0; at < piece.length; ) at += (await file.write(piece, at)).bytesWritten;
  } catch (error) {
    throw new Problem("not_ready", "there is no room to keep the file", "tell who runs the server: its disk is full", {
      cause: error,
    });
  }
}
