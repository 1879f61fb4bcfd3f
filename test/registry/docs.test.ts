/** The documentation pages say what the code does. */
import { describe, expect, test } from 'vitest';
import { sourceFiles } from '../layers.ts';
import { metadata, root, SIDES, text, version } from './support.ts';

const code = sourceFiles(root)
  .filter(({ path }) => /^(shared|source-convex|destination-convex)\//.test(path))
  .map(({ code }) => code)
  .join('\n');

describe.each(SIDES)('docs/%s-convex.md', (side) => {
  const page = text(`docs/${side}-convex.md`);
  const section = (heading: string) => page.split(new RegExp(`^${heading}$`, 'm'))[1]?.split(/^#/m)[0] ?? '';

  test('explains every field of the configuration', () => {
    const { connectionSpecification } = JSON.parse(text(`spec/${side}-convex.json`)) as {
      connectionSpecification: { properties: object };
    };
    const explained = [...section('### Configuration').matchAll(/^\| `(\w+)` \|/gm)].map(([, field]) => field);
    expect(explained).toEqual(expect.arrayContaining(Object.keys(connectionSpecification.properties)));
  });

  test('every message that it explains is one of the code', () => {
    const messages = [...section('### Messages').matchAll(/^\| “(.+?)” \|/gm)].map(([, message]) => message ?? '');
    expect(messages.length).toBeGreaterThan(7);
    for (const message of messages) expect(code.includes(message), message).toBe(true);
  });

  test('the changelog knows this version', () => {
    expect(section('## Changelog')).toContain(`| ${version} | ${String(metadata(side).data['releaseDate'])} |`);
  });

  test('its links lead somewhere', () => {
    for (const [, target = '', anchor] of page.matchAll(/\]\((?!https:)([\w.-]+\.md)(?:#([\w-]+))?\)/g)) {
      const headings = [...text(`docs/${target}`).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
        heading
          .toLowerCase()
          .replace(/[^\w -]/g, '')
          .replaceAll(' ', '-'),
      );
      if (anchor !== undefined) expect(headings).toContain(anchor);
    }
  });
});

test('the documentation of installing names the images as the metadata does', () => {
  for (const side of SIDES)
    expect(text('docs/installing.md')).toContain(metadata(side).data['dockerRepository'] as string);
});
