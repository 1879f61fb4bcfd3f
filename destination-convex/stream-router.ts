/** Which stream a message means. */
import { descriptorKey } from '../shared/core/stream-descriptor.ts';
import type { Resolve } from '../shared/airbyte/inbound.ts';
import type { StreamPlan } from './streams.ts';

/** How the streams of this name are called in messages, whatever their namespaces. */
export function namesakes(streams: readonly StreamPlan[], name: string): string[] {
  return streams.filter(({ descriptor }) => descriptor.name === name).map(({ text }) => text);
}

/**
 * By name and namespace. PyAirbyte leaves the namespace out of records that come from its cache: a name that only one stream has is enough
 * then.
 */
export function router(streams: readonly StreamPlan[]): Resolve {
  const exact = new Map(streams.map((stream) => [descriptorKey(stream.descriptor), stream.index]));
  const byName = new Map<string, number>();
  for (const { descriptor, index } of streams) byName.set(descriptor.name, byName.has(descriptor.name) ? -1 : index);
  return (name, namespace) =>
    exact.get(descriptorKey({ name, namespace })) ?? (namespace === undefined ? (byName.get(name) ?? -1) : -1);
}
