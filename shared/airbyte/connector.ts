import type { Log } from '../core/log.ts';
import type {
  AirbyteCatalog,
  ConfiguredAirbyteStream,
  ConnectionStatus,
  ConnectorSpecification,
} from './protocol.generated.ts';
import type { Secrets } from '../core/secrets.ts';
import type { StreamStates } from '../core/stream-descriptor.ts';
import type { ProtocolWriter } from './writer.ts';

/** What every verb is given to speak through. */
export interface Context {
  readonly writer: ProtocolWriter;
  readonly log: Log;
  readonly secrets: Secrets;
}

/**
 * A connector: its specification and its verbs. A verb throws `ConnectorFailure` for what a user can act on; anything else that is
 * thrown counts as a defect. Verbs are loaded when they are called: `spec` should not pay for an HTTP client.
 */
export interface Connector<Config> {
  readonly name: string;
  readonly specification: ConnectorSpecification;
  check(config: Config, context: Context): Promise<ConnectionStatus>;
  discover?(config: Config, context: Context): Promise<AirbyteCatalog>;
  /** Resolves to false if some stream failed; its own TRACE has been written then. */
  read?(config: Config, streams: ConfiguredAirbyteStream[], states: StreamStates, context: Context): Promise<boolean>;
  /** Resolves to false if something failed; its own TRACE has been written then. */
  write?(
    config: Config,
    streams: ConfiguredAirbyteStream[],
    input: AsyncIterable<Buffer>,
    context: Context,
  ): Promise<boolean>;
}
