package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/testscript"

	"dnsbld/cmd/dnsbld/offline"
	"dnsbld/cmd/help"
	"dnsbld/ctl/server"
	"dnsbld/db"
	"dnsbld/listing"
	"dnsbld/listing/hits"
	"dnsbld/listing/index"
	"dnsbld/listing/report"
)

var update = flag.Bool("update", false, "write what the scripts print into them")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"blctl": main, "dnsbld": offlineMain})
}

// offlineMain is dnsbld as far as blctl starts it.
func offlineMain() {
	store := ""
	if len(os.Args) == 4 {
		store = os.Args[3]
	}
	if err := offline.Serve(context.Background(), os.Stdin, store, help.Version(version)); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// TestScript runs testdata/script: each reads like the manual of a command. A
// daemon without DNS listens where $BLCTL_SOCKET says.
//
//	exits N COMMAND …   the command ends with exit status N
//	masked FILE         writes what the last command printed to FILE, instants and the user masked
//	clock DURATION      the daemon's clock goes ahead
//	instant NAME        $NAME is the daemon's time, $NAME_MAIL the same as in a mail
//	halt                ends the daemon; its store is $STORE
//	start               starts it again
//	as NAME COMMAND …   the command is sent by alice, bob or root
//	lastline NAME       $NAME is the last line that the last command printed
//	spoil               puts into the store, which nobody has open, how a listing of 192.0.2.9 ended that never was; or
//	                    with a word evidence that is none
//	asked N PREFIX REASON  DNS is asked N times for a listing
//	fits                what the last command printed fits a terminal of 24 lines, the prompt among them, and 80 columns
func TestScript(t *testing.T) {
	p := testscript.Params{
		Dir:   filepath.Join("testdata", "script"),
		Setup: setUp,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "masked": masked, "clock": moveClock, "instant": instant, "halt": stopDaemon, "start": startAgain, "as": as, "lastline": lastLine, "fits": fits, "probation": probation, "spoil": spoil, "asked": askDNS, "here": here, "input": feedNext,
		},
		RequireUniqueNames: true,
		UpdateScripts:      *update,
	}
	if !testing.Short() || *update {
		testscript.Run(t, p)
		return
	}
	p.Dir = shortened(t, p.Dir)
	testscript.RunT(inTurn{t}, p)
}

type daemonKey struct{}

// daemon is what cmd/dnsbld ties together, without DNS.
type daemon struct {
	offset   atomic.Int64
	counters *testSensor
	hits     *hits.Counter
	stop     func() error
	input    string // of a command that runs in this process
}

func (d *daemon) now() time.Time { return time.Now().Add(time.Duration(d.offset.Load())) }

func setUp(env *testscript.Env) error {
	env.Setenv("GORACE", "atexit_sleep_ms=0") // else the race detector has each command wait a second at its end
	socket, store := filepath.Join(env.WorkDir, "s"), filepath.Join(env.WorkDir, "listings.db")
	d, err := startDaemon(socket, store, filepath.Join(env.WorkDir, ".persons"))
	if err != nil {
		return err
	}
	env.Values[daemonKey{}] = d
	env.Setenv("BLCTL_SOCKET", socket)
	env.Setenv("STORE", store)
	env.Setenv("NASTY", "\x1b[31mred")
	env.Setenv("LATIN1", "gr\xf6\xdfer")
	env.Setenv("LONG", strings.Repeat("so ", 100))
	env.Defer(func() {
		if err := d.stop(); err != nil {
			env.T().Fatal(err)
		}
	})
	return nil
}

func startDaemon(socket, file, persons string) (*daemon, error) {
	d := &daemon{}
	store, err := db.Open(file, db.Options{NoSync: true})
	if err != nil {
		return nil, err
	}
	reasons, err := listing.NewReasons(listing.DefaultReasons())
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	live, policy := index.NewLive(), listing.DefaultPolicy()
	live.Protect(policy.NeverList())
	if err := live.Load(ctx, store); err != nil {
		cancel()
		return nil, err
	}
	book := listing.NewBook(store, live, listing.Rules{Reasons: reasons, Policy: policy}, d.now)
	counters, err := newSensor(book, file)
	if err != nil {
		cancel()
		return nil, err
	}
	d.counters, d.hits = counters, hits.New(d.now())
	d.hits.Zone("bl.test")
	support, people, err := openDesk(book, counters, file)
	if err != nil {
		cancel()
		return nil, err
	}
	control := server.New(server.Config{
		Book: book, Live: live, Version: "test", Started: d.now(), Verify: store.Audit, Compact: compactor(store), Backup: store.Backup,
		Sensor: counters, Desk: support, Hits: d.hits,
		Zones: func() []report.Zone {
			return []report.Zone{{Name: "bl.test", TTL: listing.Life(5 * time.Minute), NegativeTTL: listing.Life(time.Minute)}}
		},
	})
	listener, err := server.Listen(socket)
	if err != nil {
		cancel()
		return nil, err
	}
	closePersons, err := servePersons(control, persons)
	if err != nil {
		cancel()
		return nil, err
	}
	ended := make(chan error, 2)
	go func() { ended <- live.Follow(ctx, store) }()
	go func() { ended <- control.Serve(ctx, listener) }()
	d.stop = func() error {
		closePersons()
		cancel()
		for range 2 {
			if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
				return err
			}
		}
		d.stop = func() error { return nil }
		return errors.Join(counters.close(), people.Close(), store.Close())
	}
	return d, nil
}

func daemonOf(ts *testscript.TestScript) *daemon { return ts.Value(daemonKey{}).(*daemon) }

func stopDaemon(ts *testscript.TestScript, _ bool, _ []string) { ts.Check(daemonOf(ts).stop()) }

func startAgain(ts *testscript.TestScript, _ bool, _ []string) {
	again, err := startDaemon(ts.Getenv("BLCTL_SOCKET"), ts.Getenv("STORE"), filepath.Join(ts.Getenv("WORK"), ".persons-again"))
	ts.Check(err)
	again.offset.Store(daemonOf(ts).offset.Load())
	daemonOf(ts).stop = func() error { return again.stop() } // which ends once
}

func moveClock(ts *testscript.TestScript, _ bool, args []string) {
	life, err := listing.ParseLife(args[0])
	ts.Check(err)
	daemonOf(ts).offset.Add(int64(life))
}

// probation has receivers be new for so long.
func probation(ts *testscript.TestScript, _ bool, args []string) {
	life, err := listing.ParseLife(args[0])
	ts.Check(err)
	daemonOf(ts).counters.engine.SetReceivers(life.Duration(), 0)
}

func instant(ts *testscript.TestScript, _ bool, args []string) {
	now := daemonOf(ts).now()
	ts.Setenv(args[0], now.UTC().Format(time.RFC3339))
	ts.Setenv(args[0]+"_MAIL", now.In(time.FixedZone("", -8*3600)).Format(time.RFC1123Z)+" (PST)")
}

// askDNS has DNS be asked for a listing.
func askDNS(ts *testscript.TestScript, _ bool, args []string) {
	times, err := strconv.Atoi(args[0])
	ts.Check(err)
	s, err := listing.ParseSubject(args[1])
	ts.Check(err)
	d := daemonOf(ts)
	reasons, err := listing.NewReasons(listing.DefaultReasons())
	ts.Check(err)
	info, err := reasons.Find(args[2])
	ts.Check(err)
	sampler, now := d.hits.Sampler(), uint32(d.now().Unix())
	for range times {
		sampler.Tick(now)
		if weight := sampler.Due(); weight > 0 {
			sampler.Put(hits.Hit{Key: hits.KeyOf(s.Prefix, info.Code), Weight: weight, Time: now})
		}
	}
}

func lastLine(ts *testscript.TestScript, _ bool, args []string) {
	lines := strings.Split(strings.TrimSpace(ts.ReadFile("stdout")), "\n")
	ts.Setenv(args[0], lines[len(lines)-1])
}

func fits(ts *testscript.TestScript, _ bool, _ []string) {
	text := strings.TrimSuffix(ts.ReadFile("stdout"), "\n")
	if n := strings.Count(text, "\n") + 1; n > usualHeight-1 {
		ts.Fatalf("%d lines", n)
	}
	for line := range strings.Lines(text) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > usualWidth {
			ts.Fatalf("%d columns: %s", n, line)
		}
	}
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS COMMAND …")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := execute(ts, args[1:]); got != want {
		ts.Fatalf("%s: exit status %d, not %d", strings.Join(args[1:], " "), got, want)
	}
}

// execute runs a command, and is its exit status.
func execute(ts *testscript.TestScript, args []string) (status int) {
	if testing.Short() && !*update && args[0] == "blctl" {
		return runHere(ts, args)
	}
	err := ts.Exec(args[0], args[1:]...)
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		return exit.ExitCode()
	}
	ts.Check(err)
	return 0
}

var instants = regexp.MustCompile(`[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]+Z| [0-9:]+( UTC|Z)( \((in )?[0-9dhms]+( ago)?\))?)`)

func masked(ts *testscript.TestScript, _ bool, args []string) {
	u, err := user.Current()
	ts.Check(err)
	text := instants.ReplaceAllString(ts.ReadFile("stdout"), "TIME")
	text = regexp.MustCompile(`\b`+regexp.QuoteMeta(u.Username)+`\b`).ReplaceAllString(text, "USER")
	ts.Check(writeFile(ts.MkAbs(args[0]), text))
}

func writeFile(path, text string) error {
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return fmt.Errorf("writing what was printed: %w", err)
	}
	return nil
}
