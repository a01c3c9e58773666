// Command ticketserver stands for the ticket systems that the adapters write to and
// that no test can install. It takes the requests that Zammad, Znuny and osTicket
// document and no others: what is not as documented is refused and said on standard
// error, in a line that begins with VIOLATION.
//
// It keeps its tickets in a JSON file, which a test writes and reads. A second file names
// the failures to come, one a line, each of them once:
//
//	METHOD PART-OF-THE-PATH 500|401|…  that status, and nothing is done
//	METHOD PART-OF-THE-PATH hang       no answer for as long as the client waits
//	METHOD PART-OF-THE-PATH lost       it is done, and no answer comes
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "ticketserver:", err)
		os.Exit(1)
	}
}

func run() error {
	listen := flag.String("listen", "127.0.0.1:8080", "address to listen on")
	system := flag.String("system", "", "zammad, znuny or osticket")
	state := flag.String("state", "state.json", "file of what there is")
	failures := flag.String("fail", "fail", "file of what shall fail")
	secret := flag.String("secret", "secret", "token, password or key that counts")
	hook := flag.String("cgi", "", "program to run as CGI at /hook")
	flag.Parse()
	s := &server{state: *state, failures: *failures, secret: *secret}
	systems := map[string]func() http.Handler{"zammad": s.zammad, "znuny": s.znuny, "osticket": s.osticket}
	handler, ok := systems[*system]
	if !ok {
		return fmt.Errorf("there is no system %q", *system)
	}
	mux := http.NewServeMux()
	mux.Handle("/", s.failing(handler()))
	mux.Handle("POST /hook", &cgi.Handler{Path: *hook, InheritEnv: []string{"BLCTL"}})
	server := &http.Server{Addr: *listen, Handler: mux, ReadHeaderTimeout: time.Minute}
	return server.ListenAndServe()
}

type server struct {
	mu              sync.Mutex
	state, failures string
	secret          string
}

// failing answers as the file of failures says, else as next does.
func (s *server) failing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		how := s.failure(r)
		switch status, err := strconv.Atoi(how); {
		case how == "":
			next.ServeHTTP(w, r)
		case how == "hang":
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		case how == "lost":
			next.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		case err == nil:
			answer(w, status, map[string]string{"error": "as the test wants"})
		default:
			violation(w, http.StatusNotImplemented, "there is no failure "+how)
		}
	})
}

// failure takes the first line that speaks of the request.
func (s *server) failure(r *http.Request) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all, err := os.ReadFile(s.failures)
	if err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(all)), "\n")
	for n, line := range lines {
		if f := strings.Fields(line); len(f) == 3 && f[0] == r.Method && strings.Contains(r.URL.Path, f[1]) {
			rest := strings.Join(append(lines[:n:n], lines[n+1:]...), "\n")
			if err := os.WriteFile(s.failures, []byte(rest), 0o600); err != nil {
				return err.Error()
			}
			return f[2]
		}
	}
	return ""
}

// update reads the state into v, and writes it back when change is done well.
func (s *server) update(v any, change func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	raw, err := os.ReadFile(s.state)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return err
	}
	if err := change(); err != nil {
		return err
	}
	if raw, err = json.MarshalIndent(v, "", " "); err != nil {
		return err
	}
	return os.WriteFile(s.state, raw, 0o600)
}

// refused is an answer that is not one of success.
type refused struct {
	status int
	why    string
}

func (r refused) Error() string { return r.why }

var errNotFound = refused{http.StatusNotFound, "there is no such object"}

func violation(w http.ResponseWriter, status int, why string) {
	fmt.Fprintln(os.Stderr, "VIOLATION:", why)
	answer(w, status, map[string]string{"error": why})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		fmt.Fprintln(os.Stderr, "answering:", err)
	}
}

// strict reads a body that is JSON, and has no fields but those of v.
func strict(r *http.Request, v any) error {
	if got := r.Header.Get("Content-Type"); got != "application/json" {
		return errors.New("Content-Type is " + got)
	}
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	return d.Decode(v)
}
