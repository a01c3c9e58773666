package main

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"dnsbld/ctl/server"
	"dnsbld/listing"
)

// persons are who may send commands with "as".
func persons() []listing.Caller {
	return []listing.Caller{{UID: 1001, Name: "alice"}, {UID: 1002, Name: "bob"}, {UID: 0, Name: "root"}}
}

// servePersons gives each person a socket of his own in a directory: whoever
// connects there is he, and the kernel need not be asked.
func servePersons(control http.Handler, dir string) (closeAll func(), err error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	var open []*http.Server
	for _, person := range persons() {
		l, err := net.Listen("unix", filepath.Join(dir, person.Name))
		if err != nil {
			return nil, err
		}
		s := &http.Server{Handler: control, ReadHeaderTimeout: time.Minute, ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
			return server.WithCaller(ctx, person)
		}}
		open = append(open, s)
		go s.Serve(l) // until it is closed
	}
	return func() {
		for _, s := range open {
			s.Close()
		}
	}, nil
}

func as(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: as NAME [exits STATUS] COMMAND …")
	}
	before := ts.Getenv("BLCTL_SOCKET")
	ts.Setenv("BLCTL_SOCKET", ts.MkAbs(filepath.Join(".persons", args[0])))
	defer ts.Setenv("BLCTL_SOCKET", before)
	if args[1] == "exits" {
		exits(ts, neg, args[2:])
		return
	}
	if status := execute(ts, args[1:]); (status != 0) != neg {
		ts.Fatalf("%s: exit status %d", strings.Join(args[1:], " "), status)
	}
}
