/** The Redis names of the realtime part; `prefix` keeps them in one hash slot and apart from others'. */
export const realtimeKeys = (prefix: string): { streamKey: string; bellChannel: string } => ({
  streamKey: `${prefix}:events`,
  bellChannel: `${prefix}:outbox-bell`,
});
