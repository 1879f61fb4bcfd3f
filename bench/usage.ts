/** Loaded into a measured process with `--import`: at its end, says on file descriptor 3 what it used. */
import { writeSync } from 'node:fs';

process.on('exit', (code) => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const wall = performance.now() / 1000;
  writeSync(3, JSON.stringify({ wall, cpu: (userCPUTime + systemCPUTime) / 1e6, rss: maxRSS * 1024, code }));
});
