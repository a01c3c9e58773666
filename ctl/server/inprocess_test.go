package server

import (
	"errors"
	"io"
	"net/http"
	"sync"

	"dnsbld/listing"
)

// inProcess carries requests to a Server by calling it, so that a command is
// the same with a daemon and without.
type inProcess struct {
	server *Server
	who    listing.Caller
}

// RoundTrip runs the handler beside the caller, who reads the answer while it
// is written.
func (t *inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	body, to := io.Pipe()
	w := &response{header: http.Header{}, to: to, begun: make(chan struct{})}
	inner := r.Clone(WithCaller(r.Context(), t.who))
	if inner.Body == nil {
		inner.Body = http.NoBody
	}
	go func() {
		t.server.ServeHTTP(w, inner)
		w.WriteHeader(http.StatusOK)
		to.Close()
		inner.Body.Close()
	}()
	select {
	case <-w.begun:
	case <-r.Context().Done():
		body.CloseWithError(r.Context().Err())
		<-w.begun // the handler gives up by itself: it has the same context
		return nil, r.Context().Err()
	}
	return &http.Response{StatusCode: w.status, Header: w.sent, Body: body, Request: r, ContentLength: -1,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}, nil
}

// response is an answer on its way.
type response struct {
	header, sent http.Header
	status       int
	once         sync.Once
	begun        chan struct{}
	to           *io.PipeWriter
}

func (w *response) Header() http.Header { return w.header }

func (w *response) WriteHeader(status int) {
	w.once.Do(func() {
		w.status, w.sent = status, w.header.Clone()
		close(w.begun)
	})
}

func (w *response) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	n, err := w.to.Write(p)
	if errors.Is(err, io.ErrClosedPipe) {
		err = errGone
	}
	return n, err
}
