package server

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"dnsbld/ctl"
	"dnsbld/listing"
)

func itoa(n int) string { return strconv.Itoa(n) }

// ask sends a raw body over the socket.
func ask(ctx context.Context, path, method, endpoint, body string) (*http.Response, error) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}}}
	r, err := http.NewRequestWithContext(ctx, method, "http://dnsbld"+endpoint, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	return client.Do(r)
}

// post is what is answered to a raw body.
func post(t *testing.T, path, method, endpoint, body string) (int, string) {
	t.Helper()
	resp, err := ask(t.Context(), path, method, endpoint, body)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(raw)
}

// Requests over the socket need not come from our client.
func TestHostileRequests(t *testing.T) {
	h := newHouse(t)
	path := h.serve(t)
	for _, tt := range []struct {
		name, method, endpoint, body string
		status                       int
		says                         string
	}{
		{"no such endpoint", "GET", "/v1/nonsense", "", 400, "unknown-endpoint"},
		{"no such method", "DELETE", "/v1/entry", "", 400, "unknown-endpoint"},
		{"not JSON", "PUT", "/v1/entry", "hello", 400, "bad-request"},
		{"nothing", "PUT", "/v1/entry", "", 400, "bad-request"},
		{"unknown field", "PUT", "/v1/entry", `{"prefix":"192.0.2.7/32","reason":"manual","dryrun":true}`, 400, "bad-request"},
		{"two objects", "PUT", "/v1/entry", `{"prefix":"192.0.2.7/32","reason":"manual"}{}`, 400, "bad-request"},
		{"too long", "POST", "/v1/undo", `{"note":"` + strings.Repeat("x", 64<<10) + `"}`, 400, "bad-request"},
		{"no prefix", "PUT", "/v1/entry", `{"reason":"manual"}`, 400, "not-an-address"},
		{"host bits", "PUT", "/v1/entry", `{"prefix":"192.0.2.7/24","reason":"manual"}`, 400, "host-bits"},
		{"actor", "PUT", "/v1/entry", `{"prefix":"192.0.2.7/32","reason":"manual","actor":"mallory"}`, 400, "bad-request"},
		{"bad query", "GET", "/v1/entries?limit=-1", "", 400, "bad-limit"},
		{"bad origin", "GET", "/v1/entries?origin=moon", "", 400, "unknown-origin"},
		{"bad instant", "GET", "/v1/then?prefix=192.0.2.7&at=now", "", 400, "bad-time"},
		{"no import", "POST", "/v1/import", "192.0.2.7\n", 400, "bad-request"},
		{"bad map", "POST", "/v1/import?command={}&map=a", "192.0.2.7\n", 400, "bad-map"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, body := post(t, path, tt.method, tt.endpoint, tt.body)
			if status != tt.status || !strings.Contains(body, `"code":"`+tt.says+`"`) {
				t.Errorf("%d %s", status, body)
			}
		})
	}
	// One more spelling of an address that is never listed.
	if status, body := post(t, path, "PUT", "/v1/entry", `{"prefix":"::ffff:10.0.0.1/128","reason":"manual"}`); status != 403 {
		t.Errorf("an IPv4-mapped private address: %d %s", status, body)
	}
	if status, _ := post(t, path, "PUT", "/v1/entry", `{"prefix":"::ffff:192.0.2.7/128","reason":"manual"}`); status != 200 || !h.listed("192.0.2.7") {
		t.Errorf("an IPv4-mapped address is not listed as IPv4: %d", status)
	}
}

// Without anybody behind it a request is refused, whatever it says.
func TestNobodyIsRefused(t *testing.T) {
	h := newHouse(t)
	for _, endpoint := range []string{"/v1/status", "/v1/nonsense"} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", endpoint, nil)
		r.Header.Set("X-Remote-User", "root")
		h.server.ServeHTTP(w, r)
		if w.Code != 403 || !strings.Contains(w.Body.String(), "unknown-user") {
			t.Errorf("%s: %d %s", endpoint, w.Code, w.Body)
		}
	}
}

// A request in hand is answered although the daemon is told to stop.
func TestServeDrains(t *testing.T) {
	entered, goOn := make(chan struct{}), make(chan struct{})
	h := newHouse(t, func(c *Config) {
		c.Stats = func() any {
			close(entered)
			<-goOn
			return map[string]int{"queries": 7}
		}
	})
	path, ends := h.begin(t)
	answered := make(chan error, 1)
	go func() {
		_, err := ctl.NewClient(path).Stats(context.WithoutCancel(t.Context()))
		answered <- err
	}()
	<-entered
	served := ends()
	close(goOn)
	if err := <-answered; err != nil {
		t.Errorf("the request in hand: %v", err)
	}
	if err := <-served; err != nil {
		t.Errorf("serving: %v", err)
	}
	_, err := ctl.NewClient(path).Status(t.Context())
	isKind(t, err, listing.ErrUnavailable, "no-daemon")
}
