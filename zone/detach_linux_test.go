package zone

import (
	"errors"
	"net"
	"sync"
	"syscall"
	"testing"

	"github.com/miekg/dns"
)

// A worker that cannot have a descriptor of its own answers one by one. Nobody
// else would answer the clients that the kernel gives its socket.
func TestWorkerWithoutDescriptor(t *testing.T) {
	b := newServer(t, config(t), "192.0.2.7 helo-bare-ip")
	conn := b.binds()
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 1, Max: was.Max}); err != nil {
		t.Fatal(err)
	}
	_, err := detach(conn)
	served := b.server.serveBatches(t.Context(), conn)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(err, syscall.EMFILE) || served || b.server.Stats().SocketErrors != 1 {
		t.Fatalf("%v, served %t, %+v", err, served, b.server.Stats())
	}
	var done sync.WaitGroup
	done.Go(func() { b.server.serveUDP(t.Context(), conn) })
	if a := b.ask(query("7.2.0.192.bl.test.", "A"), "udp"); a.Rcode != dns.RcodeSuccess || len(a.Answer) != 1 {
		t.Error(a)
	}
	conn.Close()
	done.Wait()
}

// binds has a server's sockets bound, which a test serves itself.
func (b *bench) binds() *net.UDPConn {
	b.t.Helper()
	var err error
	if b.packet, b.stream, err = Listen(b.t.Context(), "127.0.0.1:0"); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { b.stream.Close() })
	return b.packet.(*net.UDPConn)
}
