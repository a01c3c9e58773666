package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
)

// slowInput is one session, and another once the command has ended.
type slowInput struct {
	lines int
	ended chan struct{}
}

func (s *slowInput) Read(p []byte) (int, error) {
	if s.lines++; s.lines == 2 {
		<-s.ended
	}
	return copy(p, `{"time":"2026-11-23T08:50:27Z","client":"203.0.113.7","helo":"x"}`+"\n"), nil
}

// endingWriter calls end when something is written.
type endingWriter struct {
	bytes.Buffer
	end func()
}

func (w *endingWriter) Write(p []byte) (int, error) {
	w.end()
	return w.Buffer.Write(p)
}

// Interrupted, observe does not wait for its input, and says nothing of what comes of it
// after that.
func TestObserveInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		in, out := &slowInput{ended: make(chan struct{})}, &endingWriter{end: cancel}
		run(ctx, []string{"blctl", "--socket", "/nonexistent", "observe", "-", "--format", "ndjson", "--explain"}, in, out, io.Discard, func(string) string { return "" })
		said := out.Len()
		close(in.ended)
		synctest.Wait()
		if out.Len() > said || !strings.Contains(out.String(), "1 session:") {
			t.Errorf("%s", out.String())
		}
	})
}
