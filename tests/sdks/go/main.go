// Mints and verifies tokens with livekit/protocol, which the Go SDK and the server use, for tests/tokens/test_sdks.py:
// one JSON object in, one out.
package main

import (
	"encoding/json"
	"os"
	"time"

	"github.com/livekit/protocol/auth"
	"github.com/livekit/protocol/livekit"
)

type question struct {
	Key    string   `json:"key"`
	Secret string   `json:"secret"`
	Tokens []string `json:"tokens"`
}

type answer struct {
	Minted   map[string]string `json:"minted"`
	Verified []any             `json:"verified"`
}

func main() {
	var asked question
	must(json.NewDecoder(os.Stdin).Decode(&asked))
	told := answer{Minted: map[string]string{}, Verified: []any{}}
	for name, fill := range wishes {
		token, err := fill(auth.NewAccessToken(asked.Key, asked.Secret)).ToJWT()
		must(err)
		told.Minted[name] = token
	}
	for _, token := range asked.Tokens {
		told.Verified = append(told.Verified, verified(token, asked))
	}
	must(json.NewEncoder(os.Stdout).Encode(told))
}

var wishes = map[string]func(*auth.AccessToken) *auth.AccessToken{
	"join": func(token *auth.AccessToken) *auth.AccessToken {
		return token.SetIdentity("alice").SetVideoGrant(&auth.VideoGrant{RoomJoin: true, Room: "demo"})
	},
	"everything": func(token *auth.AccessToken) *auth.AccessToken {
		grant := &auth.VideoGrant{RoomJoin: true, Room: "demo", Hidden: true}
		grant.SetCanPublish(true)
		grant.SetCanPublishSources([]livekit.TrackSource{livekit.TrackSource_CAMERA, livekit.TrackSource_SCREEN_SHARE})
		grant.SetCanSubscribe(false)
		grant.SetCanUpdateOwnMetadata(true)
		return token.SetIdentity("ü𝄞").
			SetName("Name").
			SetMetadata("{\"userId\":\"user_1704067200000_abc123\",\"é\":\"\u2028\"}").
			SetAttributes(map[string]string{"plan": "pro", "é\"": ""}).
			SetValidFor(10 * time.Hour).
			SetKind(livekit.ParticipantInfo_AGENT).
			SetRoomPreset("preset").
			SetRoomConfig(&livekit.RoomConfiguration{
				EmptyTimeout: 5,
				Metadata:     "{}",
				Agents:       []*livekit.RoomAgentDispatch{{AgentName: "helper", Metadata: `{"a":1}`}},
			}).
			SetVideoGrant(grant).
			SetSIPGrant(&auth.SIPGrant{Admin: true, Call: true}).
			SetInferenceGrant(&auth.InferenceGrant{Perform: true}).
			SetObservabilityGrant(&auth.ObservabilityGrant{Write: true})
	},
	"admin": func(token *auth.AccessToken) *auth.AccessToken {
		return token.SetIdentity("backend").
			SetVideoGrant(&auth.VideoGrant{RoomCreate: true, RoomList: true, RoomRecord: true, IngressAdmin: true})
	},
	"call": func(token *auth.AccessToken) *auth.AccessToken {
		return token.SetVideoGrant(&auth.VideoGrant{RoomAdmin: true, Room: "demo"})
	},
	"sip": func(token *auth.AccessToken) *auth.AccessToken {
		return token.SetSIPGrant(&auth.SIPGrant{Admin: true, Call: true})
	},
}

func verified(token string, asked question) any {
	verifier, err := auth.ParseAPIToken(token)
	if err != nil {
		return map[string]string{"error": err.Error()}
	}
	if verifier.APIKey() != asked.Key {
		return map[string]string{"error": "another key"}
	}
	_, grants, err := verifier.Verify(asked.Secret)
	if err != nil {
		return map[string]string{"error": err.Error()}
	}
	return grants
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
