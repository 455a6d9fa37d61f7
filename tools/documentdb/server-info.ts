// What the server says about itself: enough for a driver to see a primary of a replica set, which is what it
// wants before it sends transactions.
import { ObjectId } from 'bson';
import type { Doc } from './documents.ts';

const VERSION = '7.0.0';
const VERSION_PARTS = [7, 0, 0, 0];
// MongoDB 7.0's: newer numbers would make drivers use commands that are not answered here.
const MAX_WIRE_VERSION = 21;
const MAX_DOCUMENT_BYTES = 16_777_216;

export interface Identity {
  readonly address: string;
  readonly replicaSet: string;
  readonly electionId: ObjectId;
}

export function newIdentity(port: number, replicaSet: string): Identity {
  // Drivers ignore a primary whose election id is lower than one they saw. A new ObjectId counts seconds, then
  // chance, so a gateway that is restarted within a second might seem older than the one before it.
  const electionId = ObjectId.createFromHexString(Date.now().toString(16).padStart(24, '0'));
  return { address: `127.0.0.1:${port}`, replicaSet, electionId };
}

export function hello(identity: Identity, connectionId: number): Doc {
  return {
    helloOk: true,
    ismaster: true,
    isWritablePrimary: true,
    maxBsonObjectSize: MAX_DOCUMENT_BYTES,
    maxMessageSizeBytes: 48_000_000,
    maxWriteBatchSize: 100_000,
    localTime: new Date(),
    logicalSessionTimeoutMinutes: 30,
    connectionId,
    minWireVersion: 0,
    maxWireVersion: MAX_WIRE_VERSION,
    readOnly: false,
    setName: identity.replicaSet,
    setVersion: 1,
    secondary: false,
    hosts: [identity.address],
    primary: identity.address,
    me: identity.address,
    electionId: identity.electionId,
    ok: 1,
  };
}

export function buildInfo(): Doc {
  return {
    version: VERSION,
    versionArray: VERSION_PARTS,
    gitVersion: '',
    // A test can tell this server from MongoDB by it.
    modules: ['documentdb'],
    maxBsonObjectSize: MAX_DOCUMENT_BYTES,
    ok: 1,
  };
}

export function replicaSetStatus({ replicaSet, address }: Identity): Doc {
  const self = { _id: 0, name: address, state: 1, stateStr: 'PRIMARY', self: true };
  return { set: replicaSet, myState: 1, members: [self], ok: 1 };
}

export function serverStatus(): Doc {
  return { version: VERSION, uptime: process.uptime(), localTime: new Date(), ok: 1 };
}
