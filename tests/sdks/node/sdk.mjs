// Mints and verifies tokens with livekit-server-sdk, for tests/tokens/test_sdks.py: one JSON object in, one out.
import { readFileSync } from 'node:fs';
import { AccessToken, RoomAgentDispatch, RoomConfiguration, TokenVerifier, TrackSource } from 'livekit-server-sdk';

const { key, secret, tokens } = JSON.parse(readFileSync(0, 'utf8'));

function join() {
  const token = new AccessToken(key, secret, { identity: 'alice' });
  token.addGrant({ roomJoin: true, room: 'demo' });
  return token;
}

function everything() {
  const token = new AccessToken(key, secret, {
    identity: 'ü𝄞',
    name: 'Name',
    metadata: '{"userId":"user_1704067200000_abc123","é":"\u2028"}',
    attributes: { plan: 'pro', 'é"': '' },
    ttl: '10h',
  });
  token.kind = 'agent';
  token.roomPreset = 'preset';
  token.roomConfig = new RoomConfiguration({
    emptyTimeout: 5,
    metadata: '{}',
    agents: [new RoomAgentDispatch({ agentName: 'helper', metadata: '{"a":1}' })],
  });
  token.addGrant({
    roomJoin: true,
    room: 'demo',
    canPublish: true,
    canPublishSources: [TrackSource.CAMERA, TrackSource.SCREEN_SHARE],
    canSubscribe: false,
    canUpdateOwnMetadata: true,
    hidden: true,
  });
  token.addSIPGrant({ admin: true, call: true });
  token.addInferenceGrant({ perform: true });
  token.addObservabilityGrant({ write: true });
  return token;
}

function admin() {
  const token = new AccessToken(key, secret, { identity: 'backend' });
  token.addGrant({ roomCreate: true, roomList: true, roomRecord: true, ingressAdmin: true });
  return token;
}

function call() {
  const token = new AccessToken(key, secret);
  token.addGrant({ roomAdmin: true, room: 'demo' });
  return token;
}

function sip() {
  const token = new AccessToken(key, secret);
  token.addSIPGrant({ admin: true, call: true });
  return token;
}

async function verified(token) {
  try {
    return await new TokenVerifier(key, secret).verify(token);
  } catch (error) {
    return { error: String(error) };
  }
}

const minted = {};
for (const make of [join, everything, admin, call, sip]) minted[make.name] = await make().toJwt();
console.log(JSON.stringify({ minted, verified: await Promise.all(tokens.map(verified)) }));
