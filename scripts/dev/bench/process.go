package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A process is one server that this program started, and its log.
type process struct {
	pid     int
	log     string
	start   time.Time
	done    chan struct{} // closed when it has ended
	stopped bool
}

// startProcess starts a server pinned to a core, in its own process group, with its output in dir/log.
func startProcess(dir string, cpu int, argv []string) (*process, error) {
	p := &process{log: filepath.Join(dir, "log"), done: make(chan struct{})}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	p.start = time.Now()
	if err := onCPU(cpu, cmd.Start); err != nil {
		return nil, fmt.Errorf("starting %s: %w", argv[0], err)
	}
	p.pid = cmd.Process.Pid
	go func() {
		_ = cmd.Wait() // how it ended is in its log
		close(p.done)
	}()
	return p, nil
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// stopGrace is how long a server may take to end by itself.
const stopGrace = 10 * time.Second

// stop asks the process to end, and then makes it and what it forked. Once is enough: later calls do nothing.
func (p *process) stop() {
	if p.stopped {
		return
	}
	p.stopped = true
	if !p.ended() {
		_ = unix.Kill(p.pid, unix.SIGTERM)
		select {
		case <-p.done:
		case <-time.After(stopGrace):
		}
	}
	// The group outlives its first process while forked ones run, so its number is not used again.
	_ = unix.Kill(-p.pid, unix.SIGKILL)
	<-p.done
}

// lastWords are the last lines of the log, for an error message.
func (p *process) lastWords() string {
	b, err := os.ReadFile(p.log)
	if err != nil || len(b) == 0 {
		return "no output"
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(lines[max(0, len(lines)-3):], " | ")
}

// awaitAnswer asks the same question until the right answer comes and says how long after the start that was.
func (p *process) awaitAnswer(ctx context.Context, to netip.AddrPort, q *pool, ru rules) (time.Duration, error) {
	last := errors.New("no reply")
	for {
		if p.ended() {
			return 0, fmt.Errorf("it ended: %s", p.lastWords())
		}
		if ctx.Err() != nil {
			return 0, fmt.Errorf("no right answer in time (%v): %s", last, p.lastWords())
		}
		if last = ask(to, q, ru, 100*time.Millisecond); last == nil {
			return time.Since(p.start), nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// ask sends the first query of a pool and checks the reply in full.
func ask(to netip.AddrPort, q *pool, ru rules, wait time.Duration) error {
	conn, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		return err
	}
	defer conn.Close()
	packet, reply := q.packet(0), make([]byte, maxReply)
	if err := conn.SetDeadline(time.Now().Add(wait)); err != nil {
		return err
	}
	if _, err := conn.Write(packet); err != nil {
		return err
	}
	n, err := conn.Read(reply)
	if err != nil {
		return err
	}
	w := q.queries[0].want
	if err := ru.checkHead(packet, reply[:n], w); err != nil {
		return err
	}
	return ru.checkBody(packet, reply[:n], w)
}
