import { isComponentPath } from '../values/identifiers.ts';

/** The components of a deployment through time. The root, '', is always there. */
export class Components {
  readonly #mounted = new Map<string, { from: bigint; until: bigint | undefined }>([
    ['', { from: 0n, until: undefined }],
  ]);

  has(component: string): boolean {
    return this.#mounted.has(component);
  }

  mount(component: string, ts: bigint): void {
    if (!isComponentPath(component)) throw new TypeError(`'${component}' is no component path`);
    this.#mounted.set(component, { from: ts, until: undefined });
  }

  unmount(component: string, ts: bigint): void {
    const mounted = this.#mounted.get(component);
    if (mounted === undefined || component === '') throw new TypeError(`there is no component '${component}'`);
    mounted.until = ts;
  }

  /** Those mounted at a timestamp, the root first. */
  at(ts: bigint): string[] {
    return [...this.#mounted]
      .filter(([, { from, until }]) => from <= ts && (until === undefined || ts < until))
      .map(([component]) => component);
  }
}
