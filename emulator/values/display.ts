import { formatValue } from './json-format.ts';
import { isObject, type Value } from './values.ts';

/** A value as messages print it: names without quotes, whatever is in them (crates/value/src/lib.rs, Display). */
export function display(value: Value): string {
  if (Array.isArray(value)) return `[${value.map(display).join(', ')}]`;
  if (typeof value === 'bigint') return `${value}n`;
  if (!isObject(value)) return formatValue(value, 'json');
  const fields = Object.entries(value).map(([name, element]) => `${name}: ${display(element)}`);
  return `{${fields.join(', ')}}`;
}
