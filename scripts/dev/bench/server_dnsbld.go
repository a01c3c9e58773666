package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// dnsbldServer is the project's own server. Its setup imports the list into an empty store, so that the measured start
// is one with data.
func dnsbldServer() candidate { return dnsbldWith("dnsbld", "", "") }

// dnsbldPrompt answers each query at once.
func dnsbldPrompt() candidate {
	return dnsbldWith("dnsbld-prompt", `coalesce = "0s"`, "is dnsbld with coalescing off")
}

// dnsbldWith is dnsbld with some keys of [listen] set.
func dnsbldWith(name, listen, remark string) candidate {
	return candidate{
		name: name, cover: coverage{spans: true, v6: true}, rules: rules{edns: true}, remark: remark,
		setup: func(ctx context.Context, s site) ([]string, error) {
			d, err := startDnsbld(ctx, s, listen)
			if err != nil {
				return nil, err
			}
			defer d.proc.stop()
			file := s.path("list.txt")
			format, err := s.data.writeImport(file, s.zone)
			if err != nil {
				return nil, err
			}
			if err := d.blctl(ctx, "import", file, "--format", format, "--reason", "imported", "--source", "bench"); err != nil {
				return nil, err
			}
			return d.argv, nil
		},
	}
}

// A dnsbld is a running daemon of ours, perhaps still without data.
type dnsbld struct {
	site   site
	argv   []string
	socket string
	proc   *process
}

// errNotBuilt: the benchmark of the peers works without our own programs.
var errNotBuilt = errors.New("not built")

// startDnsbld starts the daemon on the site's data and waits until it answers at all: the test point that RFC 5782,
// section 5, asks for is listed whatever the store holds.
// listen holds keys of [listen] in TOML, and perhaps the zone; there may be none.
func startDnsbld(ctx context.Context, s site, listen string) (*dnsbld, error) {
	if s.env.dnsbld == "" || s.env.blctl == "" {
		return nil, fmt.Errorf("dnsbld: %w", errNotBuilt)
	}
	if err := os.MkdirAll(s.path("data"), 0o750); err != nil {
		return nil, err
	}
	d := &dnsbld{site: s, socket: s.path("control.sock")}
	if err := s.write("dnsbld.toml", "[listen]\nweb = \"\"\n"+listen+"\n"); err != nil {
		return nil, err
	}
	d.argv = []string{s.env.dnsbld, "serve", "--config", s.path("dnsbld.toml"), "--data", s.path("data"), "--listen", s.addr.String(), "--socket", d.socket}
	if !strings.Contains(listen, "[[zone]]") {
		d.argv = append(d.argv, "--zone", s.zone)
	}
	var err error
	if d.proc, err = startProcess(s.dir, s.env.serverCPU, d.argv); err != nil {
		return nil, err
	}
	if err := d.awaitReady(ctx); err != nil {
		d.proc.stop()
		return nil, fmt.Errorf("starting dnsbld: %w", err)
	}
	return d, nil
}

// awaitReady waits for any NOERROR about the test point; what it says is not our list's business.
func (d *dnsbld) awaitReady(ctx context.Context) error {
	q := onlyQuery(addr4(127<<24|2), d.site.zone, wantListed)
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	_, err := d.proc.awaitAnswer(ctx, d.site.addr, q, rules{anyCode: true})
	return err
}

// blctl runs one command against the daemon: at low priority, as cron would, and not on the generator's core.
func (d *dnsbld) blctl(ctx context.Context, args ...string) error {
	all := append([]string{"-n", "10", d.site.env.blctl, "--socket", d.socket, "--yes"}, args...)
	cmd := exec.CommandContext(ctx, "nice", all...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := onCPU(d.site.env.blctlCPU, cmd.Start)
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		return fmt.Errorf("blctl %s: %w: %s", args[0], err, tail(out.Bytes(), 300))
	}
	return nil
}

func tail(b []byte, n int) []byte { return b[max(0, len(b)-n):] }
