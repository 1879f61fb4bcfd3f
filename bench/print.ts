import { table } from '../pipeline/report.ts';

export function printTable(title: string, headings: readonly string[], rows: readonly (readonly string[])[]): void {
  console.log(`\n${title}\n\n${table([headings, ...rows])}`);
}
