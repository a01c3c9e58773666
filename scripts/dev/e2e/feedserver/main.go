// Command feedserver is a web server for tests that does to files what the
// Internet does to feeds. It serves the files of a directory at /NAME, with an
// ETag, and at /HOW/NAME:
//
//	truncated   half the body, under the Content-Length of the whole
//	stalled     half the body, and then nothing
//	emptied     nothing, with status 200 and the ETag of the file
//	unasked     304 whether or not the client has the file
//	broken      500, with an ETag of its own
//	flaky       500, with an ETag of its own, to every other request
//	endless     the file over and over, without a Content-Length
//	away        a redirect to /NAME
//
// It prints its address, then one line a request: status, path.
package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: feedserver DIRECTORY")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	s := &server{dir: os.Args[1]}
	mux := http.NewServeMux()
	for how, serve := range map[string]func(http.ResponseWriter, *http.Request, []byte){
		"": s.whole, "truncated/": truncated, "stalled/": stalled, "emptied/": emptied, "unasked/": unasked,
		"broken/": broken, "flaky/": s.flaky, "endless/": endless, "away/": away,
	} {
		mux.HandleFunc("GET /"+how+"{name}", func(w http.ResponseWriter, r *http.Request) {
			body, err := os.ReadFile(filepath.Join(s.dir, filepath.Base(r.PathValue("name"))))
			if err != nil {
				http.Error(w, err.Error(), http.StatusNotFound)
				return
			}
			serve(&told{ResponseWriter: w, path: r.URL.Path}, r, body)
		})
	}
	fmt.Println(l.Addr())
	log.Fatal(http.Serve(l, mux))
}

// told prints the status of an answer.
type told struct {
	http.ResponseWriter
	path string
}

func (t *told) WriteHeader(status int) {
	fmt.Println(status, t.path)
	t.ResponseWriter.WriteHeader(status)
}

func (t *told) Unwrap() http.ResponseWriter { return t.ResponseWriter }

type server struct {
	dir   string
	asked atomic.Int64 // of flaky files
}

func etag(body []byte) string { return fmt.Sprintf(`"%x"`, sha256.Sum256(body)) }

func (s *server) whole(w http.ResponseWriter, r *http.Request, body []byte) {
	w.Header().Set("ETag", etag(body))
	if r.Header.Get("If-None-Match") == etag(body) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body) // a client that went away is the client's affair
}

// half sends the first half of a body, under the length of the whole.
func half(w http.ResponseWriter, body []byte) {
	w.Header().Set("ETag", etag(body))
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body[:len(body)/2])
	_ = http.NewResponseController(w).Flush()
}

func truncated(w http.ResponseWriter, _ *http.Request, body []byte) {
	half(w, body)
	panic(http.ErrAbortHandler) // closes the connection
}

func stalled(w http.ResponseWriter, r *http.Request, body []byte) {
	half(w, body)
	<-r.Context().Done()
}

func emptied(w http.ResponseWriter, _ *http.Request, body []byte) {
	w.Header().Set("ETag", etag(body))
	w.WriteHeader(http.StatusOK)
}

func unasked(w http.ResponseWriter, _ *http.Request, _ []byte) { w.WriteHeader(http.StatusNotModified) }

func broken(w http.ResponseWriter, _ *http.Request, _ []byte) {
	w.Header().Set("ETag", `"of the mistake"`)
	w.WriteHeader(http.StatusInternalServerError)
	_, _ = io.WriteString(w, "192.0.2.66\n")
}

func (s *server) flaky(w http.ResponseWriter, r *http.Request, body []byte) {
	if s.asked.Add(1)%2 == 1 {
		broken(w, r, body)
		return
	}
	s.whole(w, r, body)
}

func endless(w http.ResponseWriter, r *http.Request, body []byte) {
	w.WriteHeader(http.StatusOK)
	for r.Context().Err() == nil {
		if _, err := w.Write(body); err != nil {
			return
		}
	}
}

func away(w http.ResponseWriter, r *http.Request, _ []byte) {
	w.Header().Set("Location", "/"+r.PathValue("name"))
	w.WriteHeader(http.StatusFound)
}
