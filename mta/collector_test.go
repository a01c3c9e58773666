package mta_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dnsbld/listing"
	"dnsbld/mta"
	"dnsbld/mta/mtatest"
)

// office is a collector on a real socket, and what it was told.
type office struct {
	t         testing.TB
	authority *mtatest.Authority
	collector *mta.Collector
	config    mta.CollectorConfig
	url       string

	mu     sync.Mutex
	told   []string
	fail   error
	during chan struct{} // closed to let Take return; nil: at once
	inside chan struct{} // has a value when Take waits for that

	ahead atomic.Int64 // of its clock, in nanoseconds
}

func newOffice(t testing.TB, receivers ...string) *office {
	t.Helper()
	o := &office{t: t, authority: mtatest.NewAuthority(t)}
	cert, key := o.authority.Issue("collector.example")
	o.config = mta.CollectorConfig{Receivers: receivers, Identity: mta.Identity{Certificate: cert, Key: key, CA: o.authority.File}}
	if err := o.config.Validate(); err != nil {
		t.Fatal(err)
	}
	collector, err := mta.NewCollector(o.config, mta.CollectorParts{Take: o.take, Now: func() time.Time { return time.Now().Add(time.Duration(o.ahead.Load())) }, Say: func(string, error) {}})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- collector.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	o.collector, o.url = collector, "https://"+l.Addr().String()
	return o
}

func (o *office) take(_ context.Context, receiver string, reports []mta.Report, stats mta.LogStats) (any, error) {
	o.mu.Lock()
	during, inside := o.during, o.inside
	o.mu.Unlock()
	if during != nil {
		inside <- struct{}{}
		<-during
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, r := range reports {
		o.told = append(o.told, receiver+" "+r.Receiver+" "+r.ID)
	}
	return map[string]int64{"sessions": stats.Sessions, "skipped": stats.Skipped}, o.fail
}

// heard is what it was told.
func (o *office) heard() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.told)
}

// holds has Take wait from now on, and tell of it, until goOn.
func (o *office) holds() (inside <-chan struct{}, goOn func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	during := make(chan struct{})
	o.during, o.inside = during, make(chan struct{}, 1)
	return o.inside, func() { close(during) }
}

// starts has it know nothing, and fail.
func (o *office) starts(fail error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.told, o.fail = nil, fail
}

// forwarder tells the office, with a certificate.
func (o *office) forwarder(cert, key string) *mta.Forwarder {
	o.t.Helper()
	f, err := mta.NewForwarder(mta.ForwarderConfig{URL: o.url, Identity: mta.Identity{Certificate: cert, Key: key, CA: o.authority.File}, Say: func(string, error) {}})
	if err != nil {
		o.t.Fatal(err)
	}
	return f
}

func line(receiver, id string) string {
	return fmt.Sprintf(`{"receiver":%q,"id":%q,"client":"203.0.113.7","helo":"h.example"}`+"\n", receiver, id)
}

type count struct{ Sessions, Skipped int }

func TestCollector(t *testing.T) {
	o := newOffice(t, "mx2", "mx3")
	f := o.forwarder(o.authority.Issue("mx2"))
	if f.Name() != "mx2" {
		t.Errorf("it reports as %q", f.Name())
	}
	var got count
	text := line("mx2", "1") + "no session\n" + line("", "2")
	if err := f.Send(t.Context(), []byte(text), &got); err != nil || got != (count{2, 1}) {
		t.Errorf("%+v, %v", got, err)
	}
	if got, want := o.heard(), []string{"mx2 mx2 1", "mx2 mx2 2"}; !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}

	// A name in the subject alone, as older tools make it.
	f = o.forwarder(o.authority.Issue("mx3", func(c *x509.Certificate) { c.DNSNames = nil }))
	if err := f.Send(t.Context(), []byte(line("mx3", "3")), &got); err != nil || f.Name() != "mx3" {
		t.Errorf("%q: %v", f.Name(), err)
	}
	if s := o.collector.Stats(); s != (mta.CollectorStats{Requests: 2, Sessions: 3}) {
		t.Errorf("%+v", s)
	}
}

// Strangers who connect and say nothing, not even in TLS, keep no mail server out, and
// do not cut off one whose request is in hand.
func TestCollectorConnections(t *testing.T) {
	o := newOffice(t, "mx2")
	inside, goOn := o.holds()
	f := o.forwarder(o.authority.Issue("mx2"))
	sent := make(chan error, 1)
	var got count
	go func() { sent <- f.Send(t.Context(), []byte(line("mx2", "1")), &got) }()
	<-inside
	var first net.Conn
	for n := range 300 {
		c, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(n%30))}}).DialContext(t.Context(), "tcp", strings.TrimPrefix(o.url, "https://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if n == 0 {
			first = c
		}
	}
	first.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := first.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the one that was idle for longest: %v", err)
	}
	goOn()
	if err := <-sent; err != nil || got.Sessions != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	s := o.collector.Open()
	for end := time.Now().Add(time.Minute); s.Ended < 300-256 && time.Now().Before(end); s = o.collector.Open() {
		time.Sleep(time.Millisecond) // the kernel took the last of them, the collector is still at it
	}
	if s.Open > 256 || s.Ended < 300-256 || s.Refused > 0 {
		t.Errorf("%+v", s)
	}
}

// Strangers, and receivers that are not named, are refused, and nothing of them is counted.
func TestCollectorRefuses(t *testing.T) {
	o := newOffice(t, "mx2", "mx3")
	stranger := mtatest.NewAuthority(t)
	expired := func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	}
	serverOnly := func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }
	for name, c := range map[string]struct {
		certificate func() (cert, key string)
		body        string
		code        string
		kind        error
	}{
		"another authority":    {func() (string, string) { return stranger.Issue("mx2") }, line("mx2", "1"), "certificate-refused", listing.ErrPolicy},
		"expired":              {func() (string, string) { return o.authority.Issue("mx2", expired) }, line("mx2", "1"), "certificate-refused", listing.ErrPolicy},
		"not for clients":      {func() (string, string) { return o.authority.Issue("mx2", serverOnly) }, line("mx2", "1"), "certificate-refused", listing.ErrPolicy},
		"for another receiver": {func() (string, string) { return o.authority.Issue("mx3") }, line("mx3", "1") + line("mx2", "2"), "another-receiver", listing.ErrPolicy},
		"a receiver not named": {func() (string, string) { return o.authority.Issue("mx4") }, line("mx4", "1"), "unknown-receiver", listing.ErrPolicy},
		"more than is taken":   {func() (string, string) { return o.authority.Issue("mx2") }, strings.Repeat("x", mta.MaxCollected) + "\n", "too-large", nil},
		"the office is unable": {func() (string, string) { return o.authority.Issue("mx2") }, "fail", "", listing.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			o.starts(nil)
			if c.body == "fail" {
				o.starts(errors.New("disk full"))
			}
			f := o.forwarder(c.certificate())
			var got count
			err := f.Send(t.Context(), []byte(c.body), &got)
			e, ok := errors.AsType[*listing.Error](err)
			if !ok || c.code != "" && e.Code != c.code || c.kind != nil && !errors.Is(err, c.kind) || e.Hint == "" && c.code != "" {
				t.Errorf("%#v", err)
			}
			if told := o.heard(); len(told) > 0 {
				t.Errorf("counted all the same: %q", told)
			}
		})
	}
	two := func(c *x509.Certificate) { c.DNSNames = []string{"mx2", "mx3"} }
	cert, key := o.authority.Issue("mx2", two)
	if _, err := mta.NewForwarder(mta.ForwarderConfig{URL: o.url, Identity: mta.Identity{Certificate: cert, Key: key, CA: o.authority.File}}); err == nil {
		t.Error("a certificate with two names")
	}
	if resp, err := o.raw(cert, key).Post(o.url+mta.CollectPath, "", strings.NewReader(line("mx2", "1"))); err != nil || resp.StatusCode != http.StatusForbidden {
		t.Errorf("a certificate with two names is answered %v, %v", resp, err)
	}
	if _, err := (&http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}).Post(o.url+mta.CollectPath, "", nil); err == nil {
		t.Error("without a certificate")
	}
}

// raw is an HTTP client that does as it likes.
func (o *office) raw(cert, key string) *http.Client {
	o.t.Helper()
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		o.t.Fatal(err)
	}
	return &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{Certificates: []tls.Certificate{pair}, InsecureSkipVerify: true}}}
}

func TestCollectorRequests(t *testing.T) {
	o := newOffice(t, "mx2")
	client := o.raw(o.authority.Issue("mx2"))
	do := func(method, path string, body io.Reader, header ...string) *http.Response {
		t.Helper()
		req, err := http.NewRequest(method, o.url+path, body)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body) // so that the connection is used again
		resp.Body.Close()
		return resp
	}
	for _, c := range []struct {
		want   int
		method string
		path   string
		header []string
	}{
		{http.StatusNotFound, http.MethodPost, "/", nil},
		{http.StatusNotFound, http.MethodPost, "/v1/sessions/../../etc", nil},
		{http.StatusMethodNotAllowed, http.MethodGet, mta.CollectPath, nil},
		{http.StatusBadRequest, http.MethodPost, mta.CollectPath, []string{"Content-Encoding", "gzip"}},
		{http.StatusOK, http.MethodPost, mta.CollectPath, nil},
	} {
		if resp := do(c.method, c.path, nil, c.header...); resp.StatusCode != c.want || resp.ProtoMajor != 1 {
			t.Errorf("%s %s %v: %s %s, want %d", c.method, c.path, c.header, resp.Proto, resp.Status, c.want)
		}
	}

	// One request of a receiver at a time.
	inside, goOn := o.holds()
	first := make(chan int, 1)
	go func() {
		resp, err := client.Post(o.url+mta.CollectPath, "", strings.NewReader(line("mx2", "slow")))
		if err != nil {
			first <- 0
			return
		}
		first <- resp.StatusCode
	}()
	<-inside
	second := do(http.MethodPost, mta.CollectPath, nil)
	goOn()
	if second.StatusCode != http.StatusTooManyRequests || second.Header.Get("Retry-After") == "" || <-first != http.StatusOK {
		t.Errorf("beside another request: %s, Retry-After %q", second.Status, second.Header.Get("Retry-After"))
	}

	// A receiver that is no longer named is refused on the connection that there is.
	o.config.Receivers = []string{"mx3"}
	if err := o.collector.Configure(o.config); err != nil {
		t.Fatal(err)
	}
	if resp := do(http.MethodPost, mta.CollectPath, nil); resp.StatusCode != http.StatusForbidden {
		t.Errorf("after it was taken out of the receivers: %s", resp.Status)
	}
	o.config.Receivers = []string{"mx2"}
	if err := o.collector.Configure(o.config); err != nil {
		t.Fatal(err)
	}
	o.ahead.Store(int64(2 * time.Hour))
	if resp := do(http.MethodPost, mta.CollectPath, nil); resp.StatusCode != http.StatusForbidden {
		t.Errorf("a certificate that expired while connected: %s", resp.Status)
	}
}

// TestForwarderBelievesNobody: it tells only whom its authority vouches for, and nobody's redirects.
func TestForwarderBelievesNobody(t *testing.T) {
	o := newOffice(t, "mx2")
	cert, key := o.authority.Issue("mx2")
	other := mtatest.NewAuthority(t)
	f, err := mta.NewForwarder(mta.ForwarderConfig{URL: o.url, Identity: mta.Identity{Certificate: cert, Key: key, CA: other.File}})
	if err != nil {
		t.Fatal(err)
	}
	var got count
	if err := f.Send(t.Context(), []byte(line("mx2", "1")), &got); !errors.Is(err, listing.ErrPolicy) {
		t.Errorf("an unknown authority: %v", err)
	}
	for _, bad := range []string{"http://bl.example", "https://", "https://bl.example/elsewhere", "https://a:b@bl.example", "bl.example", "https://bl.example?x"} {
		if _, err := mta.NewForwarder(mta.ForwarderConfig{URL: bad, Identity: mta.Identity{Certificate: cert, Key: key, CA: o.authority.File}}); !errors.Is(err, listing.ErrInvalid) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if _, err := mta.NewForwarder(mta.ForwarderConfig{URL: o.url, Identity: mta.Identity{Certificate: key, Key: key, CA: key}}); !errors.Is(err, listing.ErrInvalid) {
		t.Errorf("no certificate in the file: %v", err)
	}
	f, err = mta.NewForwarder(mta.ForwarderConfig{URL: "https://127.0.0.1:1", Identity: mta.Identity{Certificate: cert, Key: key, CA: o.authority.File}})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Send(t.Context(), []byte(line("mx2", "1")), &got); !errors.Is(err, listing.ErrUnavailable) {
		t.Errorf("nobody is there: %v", err)
	}
}
