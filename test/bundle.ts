import { readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";

/**
 * Compiles test files, with all that they import, into `folder`, and returns what was made of each. A file of tests is a process of its own;
 * read one by one through tsx, its four hundred modules cost six times the CPU to load.
 */
export async function bundle(files: readonly string[], root: string, folder: string): Promise<string[]> {
  await build({
    entryPoints: [...files],
    bundle: true,
    splitting: true,
    platform: "node",
    target: "node20",
    format: "esm",
    packages: "external",
    sourcemap: "linked",
    outbase: root,
    outdir: folder,
    plugins: [placed],
    logLevel: "warning",
  });
  return files.map((file) => join(folder, relative(root, file).replace(/\.ts$/, ".js")));
}

/** A module goes on finding the files that lie beside its source. */
const placed: Plugin = {
  name: "placed",
  setup: ({ onLoad }) =>
    onLoad({ filter: /\.ts$/ }, async ({ path }) => ({
      loader: "ts",
      contents: (await readFile(path, "utf8"))
        .replaceAll("import.meta.url", JSON.stringify(pathToFileURL(path).href))
        .replaceAll("import.meta.dirname", JSON.stringify(dirname(path))),
    })),
};
