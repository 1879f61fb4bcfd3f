/** The verbs for tables. */
export { check } from './check.ts';
export { discover } from './discover.ts';
export { read } from './read.ts';
