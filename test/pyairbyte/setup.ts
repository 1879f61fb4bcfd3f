/** PyAirbyte as a process: it runs our connectors as it runs any executable, and all that they write to stdout is recorded. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Folder } from '../support/folder.ts';

const root = join(import.meta.dirname, '..', '..');
const bin = join(root, '.venv-pyairbyte', 'bin');

/** PyAirbyte fetches no registry of connectors and reports nothing to anybody. */
const ENVIRONMENT = {
  AIRBYTE_OFFLINE_MODE: '1',
  DO_NOT_TRACK: '1',
  NO_LIVE_PROGRESS: '1',
  NO_UV: '1',
  PYTHONWARNINGS: 'ignore',
};

export interface Table {
  types: Record<string, string>;
  rows: Record<string, unknown>[];
}

export class PyAirbyte {
  readonly folder = new Folder();
  /** Every run of a connector leaves its stdout in a file here. */
  readonly recorded = join(this.folder.path, 'recorded');
  readonly source: string;
  readonly destination: string;
  #runs = 0;

  constructor() {
    mkdirSync(this.recorded);
    this.source = this.#executable('source-convex');
    this.destination = this.#executable('destination-convex');
  }

  /** A command of client.py. Throws with what Python has said where it fails. */
  async run<Answer>(command: string, args: object): Promise<Answer> {
    const result = `result-${++this.#runs}.json`;
    const client = join(import.meta.dirname, 'client.py');
    const paths = { source: this.source, destination: this.destination, ...args };
    const { code, output } = await this.#python('python', [client, join(this.folder.path, result), command], paths);
    if (code !== 0) throw new Error(`PyAirbyte's ${command} ended with ${code}:\n${output}`);
    return JSON.parse(this.folder.read(result)) as Answer;
  }

  /** PyAirbyte's own command line. */
  async cli(...args: string[]): Promise<{ code: number | null; output: string }> {
    return this.#python('pyab', args, {});
  }

  async #python(program: string, args: string[], input: object): Promise<{ code: number | null; output: string }> {
    const child = spawn(join(bin, program), args, {
      cwd: this.folder.path,
      env: { ...process.env, ...ENVIRONMENT, PATH: `${bin}:${process.env['PATH'] ?? ''}` },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stdin.on('error', () => undefined);
    child.stdin.end(JSON.stringify(input));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, output };
  }

  /**
   * PyAirbyte tells sources from destinations by the name of the file. `exec` makes the connector the process that PyAirbyte has started,
   * so that its signals and its exit status are the connector's own.
   */
  #executable(name: string): string {
    const path = this.folder.write(
      name,
      `#!/usr/bin/env bash\nexec '${process.execPath}' '${join(root, name, 'main.ts')}' "$@" > >(exec tee '${this.recorded}/${name}'-$$)\n`,
    );
    chmodSync(path, 0o755);
    return path;
  }
}
