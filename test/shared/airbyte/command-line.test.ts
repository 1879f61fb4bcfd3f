import { describe, expect, test } from 'vitest';
import { UsageError, parseCommandLine, usage, type Verb } from '../../../shared/airbyte/command-line.ts';

const SOURCE: Verb[] = ['spec', 'check', 'discover', 'read'];
const DESTINATION: Verb[] = ['spec', 'check', 'write'];
const FILES = { config: '', catalog: '', state: undefined };

describe('a command line', () => {
  test.each<[string, Verb[], object]>([
    ['spec', SOURCE, { ...FILES, verb: 'spec' }],
    ['check --config c.json', SOURCE, { ...FILES, verb: 'check', config: 'c.json' }],
    ['--config c.json check', SOURCE, { ...FILES, verb: 'check', config: 'c.json' }],
    ['discover --config=c.json', SOURCE, { ...FILES, verb: 'discover', config: 'c.json' }],
    ['read --config c --catalog k', SOURCE, { verb: 'read', config: 'c', catalog: 'k', state: undefined }],
    ['read --state s --catalog k --config c', SOURCE, { verb: 'read', config: 'c', catalog: 'k', state: 's' }],
    ['write --config c --catalog k', DESTINATION, { ...FILES, verb: 'write', config: 'c', catalog: 'k' }],
  ])('%s', (line, verbs, command) => {
    expect(parseCommandLine(line.split(' '), verbs)).toEqual(command);
  });

  test.each<[string[], Verb[], string]>([
    [[], SOURCE, 'no command was given'],
    [['write', '--config', 'c', '--catalog', 'k'], SOURCE, 'there is no command "write"'],
    [['read', '--config', 'c', '--catalog', 'k'], DESTINATION, 'there is no command "read"'],
    [['constructor'], SOURCE, 'there is no command "constructor"'],
    [['read', '--config', 'c'], SOURCE, 'read needs --catalog FILE'],
    [['read', '--config', '', '--catalog', 'k'], SOURCE, 'read needs --config FILE'],
    [['check'], SOURCE, 'check needs --config FILE'],
    [['check', '--config', 'c', '--state', 's'], SOURCE, 'check takes no --state'],
    [['write', '--config', 'c', '--catalog', 'k', '--state', 's'], DESTINATION, 'write takes no --state'],
    [['spec', 'check'], SOURCE, 'unexpected argument "check"'],
    [['check', '--config'], SOURCE, "Option '--config <value>' argument missing"],
    [['check', '--debug'], SOURCE, "Unknown option '--debug'"],
    [['check', '-c', 'c'], SOURCE, "Unknown option '-c'"],
  ])('%j is none', (args, verbs, message) => {
    expect(() => parseCommandLine(args, verbs)).toThrow(new UsageError(message));
  });
});

test('its usage', () => {
  expect(usage('source-convex', SOURCE)).toBe(`usage:
  source-convex spec
  source-convex check --config FILE
  source-convex discover --config FILE
  source-convex read --config FILE --catalog FILE [--state FILE]
`);
  expect(usage('destination-convex', DESTINATION)).toBe(`usage:
  destination-convex spec
  destination-convex check --config FILE
  destination-convex write --config FILE --catalog FILE
`);
});
