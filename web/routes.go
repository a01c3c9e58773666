package web

import (
	"bytes"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"dnsbld/listing/desk"
	"dnsbld/listing/language"
)

// visit is one request on its way.
type visit struct {
	*http.Request
	w    http.ResponseWriter
	site *site
	from origin

	language *language.Language
	now      time.Time
}

// handler answers a visit, or fails with what the page of a failure then says.
type handler func(v *visit) error

// tokens of a minute that things take.
const (
	lookupCost  = 1
	requestCost = 5
)

// Handler answers browsers and programs.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", s.page(pageHome, lookupCost, s.home))
	mux.Handle("GET /fix", s.page(pageFix, lookupCost, s.showFix))
	mux.Handle("GET /result/{id}", s.page(pageResult, lookupCost, s.showKept))
	mux.Handle("GET /criteria", s.page(pageCriteria, lookupCost, s.showCriteria))
	mux.Handle("GET /"+desk.FollowPath+"{reference}", s.page(pageTicket, lookupCost, s.showTicket))
	mux.Handle("GET /{address...}", s.page(pageAddress, lookupCost, s.showAddress))
	mux.Handle("POST /{address...}", s.page(pageRequest, requestCost, s.request))
	mux.Handle("GET /static/", s.count(pageStatic, s.pages.static()))
	mux.Handle("GET /robots.txt", s.count(pageStatic, http.HandlerFunc(robots)))
	mux.Handle("GET /api/v1/ip/{ip...}", s.api(s.lookupJSON))
	mux.Handle("GET /api/v1/criteria", s.api(s.criteriaJSON))
	mux.Handle("GET /api/", s.api(noSuchJSON))
	return secure(s.atLowPriority(mux))
}

// secure sets what holds for every answer.
func secure(next http.Handler) http.Handler {
	fixed := [][2]string{
		{"Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"},
		{"X-Content-Type-Options", "nosniff"},
		{"X-Frame-Options", "DENY"},
		{"Referrer-Policy", "same-origin"}, // with no-referrer, browsers would send forms from the origin "null"
		{"Cross-Origin-Opener-Policy", "same-origin"},
		{"Cross-Origin-Resource-Policy", "same-origin"},
		{"Permissions-Policy", "camera=(), geolocation=(), microphone=()"},
		{"Cache-Control", "no-store"},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		for _, f := range fixed {
			h[f[0]] = []string{f[1]}
		}
		if r.TLS != nil {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// page serves a page for people: over the limit, or after a failure, it is a
// page that says so.
func (s *Server) page(kind pageKind, cost int, h handler) http.Handler {
	return s.count(kind, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := s.visit(w, r)
		if wait := v.over(v.site.web, cost); wait > 0 {
			s.tooMany(v, wait)
			return
		}
		if err := h(v); err != nil {
			s.fail(v, err)
		}
	}))
}

// visit notes where a request comes from and when, once for all that follows.
func (s *Server) visit(w http.ResponseWriter, r *http.Request) *visit {
	site := s.site.Load()
	return &visit{Request: r, w: w, site: site, from: originOf(r, site.TrustedProxies), now: s.parts.Now().UTC(),
		language: site.languages.Accept(strings.Join(r.Header.Values("Accept-Language"), ","))}
}

// over tells how long a client that is over a limit has to wait.
func (v *visit) over(l *limiter, cost int) time.Duration {
	if v.site.Limits.ExemptLoopback && v.from.addr.IsLoopback() {
		return 0
	}
	wait := l.take(v.from.addr, cost, v.now)
	if wait > 0 {
		v.w.Header().Set("Retry-After", seconds(wait))
	}
	return wait
}

// seconds rounds up.
func seconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}

// send writes an answer that is ready.
func send(w http.ResponseWriter, status int, kind string, body *bytes.Buffer) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // who went away needs no answer
}

// originURL is the scheme and host of a URL.
func originURL(page string) string {
	u, err := url.Parse(page)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// robots keeps addresses out of search engines.
func robots(w http.ResponseWriter, _ *http.Request) {
	send(w, http.StatusOK, "text/plain; charset=utf-8", bytes.NewBufferString("User-agent: *\nAllow: /$\nAllow: /criteria\nAllow: /fix\nDisallow: /\n"))
}
