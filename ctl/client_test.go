package ctl

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"dnsbld/listing"
	"dnsbld/listing/report"
)

// Every kind of failure survives the way there and back.
func TestErrorMapping(t *testing.T) {
	for _, k := range kinds() {
		in := &listing.Error{Kind: k.Kind, Code: "some-code", Message: "what happened", Hint: "what to do"}
		status, wire := EncodeError(in)
		if out := wire.decode(status); !errors.Is(out, k.Kind) || out.Code != in.Code || out.Message != in.Message || out.Hint != in.Hint {
			t.Errorf("%v came back as %+v", k.Kind, out)
		}
		if _, bare := EncodeError(k.Kind); bare.Code != k.Code {
			t.Errorf("%v has the code %s", k.Kind, bare.Code)
		}
	}
	status, wire := EncodeError(context.DeadlineExceeded)
	if !errors.Is(wire.decode(status), listing.ErrUnavailable) {
		t.Errorf("a timeout is %d", status)
	}
	status, wire = EncodeError(errors.New("a surprise"))
	if e := wire.decode(status); status != 500 || e.Kind != nil || e.Code != "failed" {
		t.Errorf("a surprise is %d %+v", status, e)
	}
}

// A stream that is cut off is an error, wherever that happens.
func TestCutOff(t *testing.T) {
	line := `{"prefix":"192.0.2.7/32","reason":"manual","code":20}` + "\n"
	for _, tt := range []struct {
		name, body string
		rows       int
		whole      bool
	}{
		{"whole", line + line + `{"end":{"count":2,"revision":9}}` + "\n", 2, true},
		{"empty", `{"end":{"count":0,"revision":9}}` + "\n", 0, true},
		{"no end", line + line, 2, false},
		{"within a line", line + line[:20], 1, false},
		{"a line lost", line + `{"end":{"count":2,"revision":9}}` + "\n", 1, false},
		{"nothing", "", 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, tt.body) }))
			defer server.Close()
			c := Over(redirect(server.Listener.Addr().String()))
			rows, failed := 0, error(nil)
			for _, err := range c.List(t.Context(), report.Query{}) {
				if err != nil {
					failed = err
					break
				}
				rows++
			}
			if rows != tt.rows || (failed == nil) != tt.whole {
				t.Errorf("%d rows, %v", rows, failed)
			}
			if failed != nil {
				if e, ok := errors.AsType[*listing.Error](failed); !ok || !errors.Is(failed, listing.ErrUnavailable) || e.Code != "cut-off" {
					t.Errorf("%#v", failed)
				}
			}
		})
	}
}

// redirect sends every request to one address.
type redirect string

func (to redirect) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Host = string(to)
	return http.DefaultTransport.RoundTrip(r)
}
