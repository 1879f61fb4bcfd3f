const UNITS = ['B', 'KiB', 'MiB', 'GiB'];

/** A size as Convex's messages print it: `1.20 MiB`, `1 MiB`, `17 B`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${Number.isInteger(value) ? value : value.toFixed(2)} ${UNITS[unit] ?? ''}`;
}
