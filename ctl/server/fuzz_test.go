package server

import (
	"bytes"
	"encoding/json"
	"testing"

	"dnsbld/listing"
)

// FuzzBody: whatever comes as a command, one that is taken is one that can be sent.
func FuzzBody(f *testing.F) {
	f.Add([]byte(`{"prefix":"192.0.2.7/32","reason":"manual","until":"2026-12-01T00:00:00Z","more":["2001:db8::/64"],"note":"a"}`))
	f.Add([]byte(`{"prefix":null,"reason":"\u00fc","dry_run":true}{}`))
	f.Add([]byte("{\"note\":\"\xff\"}"))
	f.Fuzz(func(t *testing.T, body []byte) {
		var c, again listing.Add
		if decode(bytes.NewReader(body), &c) != nil {
			return
		}
		raw, err := json.Marshal(c)
		if err == nil {
			err = decode(bytes.NewReader(raw), &again)
		}
		sent, _ := json.Marshal(again)
		if err != nil || !bytes.Equal(sent, raw) {
			t.Errorf("%s came back as %s: %v", raw, sent, err)
		}
	})
}
