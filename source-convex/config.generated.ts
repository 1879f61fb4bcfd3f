// Generated from spec/source-convex.json by `npm run types`. Do not edit.

export interface SourceConfig {
  /** The URL of the Convex deployment to read from: https://<deployment name>.convex.cloud, shown in the Convex dashboard under Settings → URL & Deploy Key. For a self-hosted deployment, the http or https URL of its backend. Not the .convex.site URL of HTTP actions. */
  deployment_url: string;

  /** A deploy key of this deployment, made in the Convex dashboard under Settings → URL & Deploy Key. It needs the permission deployment:data:view and no other. For a self-hosted deployment, its admin key. */
  access_key: string;

  /** Convex keeps its log of changes for a limited time. If a stream was not synced for longer than that, deletions may have been missed. "Fail sync" stops and names the streams to refresh. "Re-sync data" reads these streams anew from a fresh snapshot; documents that were deleted in between remain in the destination. */
  expired_cursor_behavior?: 'Fail sync' | 'Re-sync data';

  /** How values are written that JSON has no type of its own for. "json" is plain: int64 and bytes become strings. "convex_encoded_json" wraps them ({"$integer": …}, {"$bytes": …}) and loses nothing. "export_json" writes int64 as bare integers. Do not change it for streams that were synced before: refresh them. */
  value_format?: 'json' | 'convex_encoded_json' | 'export_json';
}
