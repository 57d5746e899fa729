// Preloaded into the product: how long its main thread works without turning to whoever else waits, in milliseconds of CPU, which is not
// disturbed by what else the machine does. SIGUSR2 writes the longest so far to the file WATCH and begins anew.
const { readFileSync, writeFileSync, renameSync } = require("node:fs");

const clock = () => Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, "utf8").split(" ", 1)[0]) / 1e6;
let last = clock();
let longest = 0;
function look() {
  const now = clock();
  longest = Math.max(longest, now - last);
  last = now;
}
setInterval(look, 2).unref();
process.on("SIGUSR2", () => {
  look();
  writeFileSync(`${process.env.WATCH}.new`, String(longest));
  renameSync(`${process.env.WATCH}.new`, process.env.WATCH);
  longest = 0;
});
