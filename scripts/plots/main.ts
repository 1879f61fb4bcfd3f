/**
 * npm run plots: draws the pictures of docs/performance.md and writes its tables, from what `npm run bench -- --json` wrote. The first
 * argument names that file, default bench/results.json.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Results } from '../../bench/results.ts';
import { importInstalled } from '../installed.ts';
import { type Chart, growth, speeds } from './charts.ts';
import { withResults } from './page.ts';

/** What is used of ECharts: it draws SVG text without a browser. */
interface ECharts {
  init: (
    element: null,
    theme: null,
    options: { renderer: 'svg'; ssr: true; width: number; height: number },
  ) => { setOption: (option: object) => void; renderToSVGString: () => string; dispose: () => void };
}

const root = join(import.meta.dirname, '../..');
const images = join(root, 'docs/images');
const page = join(root, 'docs/performance.md');

const [path = join(root, 'bench/results.json')] = process.argv.slice(2);
const results = JSON.parse(await readFile(path, 'utf8')) as Results;
if (results.source === undefined || results.destination === undefined || results.memory === undefined)
  throw new Error(`${path} lacks results: run npm run bench -- source destination memory --json ${path}`);

const echarts = (await importInstalled('plots', 'echarts/dist/echarts.esm.mjs', 'The charting library')) as ECharts;
await mkdir(images, { recursive: true });
await writeFile(join(images, 'speed.svg'), draw(speeds(results)));
await writeFile(join(images, 'growth.svg'), draw(growth(results)));
await writeFile(page, withResults(await readFile(page, 'utf8'), results));
console.log('Wrote docs/images/speed.svg, docs/images/growth.svg and the tables of docs/performance.md.');

function draw({ width, height, option }: Chart): string {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height });
  chart.setOption(option);
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `${svg}\n`;
}
