package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"
)

// The sensor's own addresses in what follows, and the receiver that tells of sessions.
const (
	sensorOurs     = "198.51.100.25"
	sensorOursToo  = "198.51.100.26"
	sensorReceiver = "mx1"
)

// sensor starts an empty dnsbld with a policy service on a Unix socket.
func (o *operations) sensor(ctx context.Context, name string) (d *dnsbld, policy string, err error) {
	s, err := o.env.newSite("op-"+name, o.data)
	if err != nil {
		return nil, "", err
	}
	if err := os.MkdirAll(s.path("data"), 0o750); err != nil {
		return nil, "", err
	}
	policy = s.path("policy")
	d = &dnsbld{site: s, socket: s.path("control.sock")}
	d.argv = []string{s.env.dnsbld, "serve", "--data", s.path("data"), "--zone", s.zone, "--listen", s.addr.String(), "--socket", d.socket,
		"--web", "", "--policy", "unix:" + policy, "--receiver", sensorReceiver, "--our-ip", sensorOurs, "--our-ip", sensorOursToo, "--hosted", "rcpt.example"}
	if d.proc, err = startProcess(s.dir, s.env.serverCPU, d.argv); err != nil {
		return nil, "", err
	}
	if err := d.awaitReady(ctx); err != nil {
		d.proc.stop()
		return nil, "", fmt.Errorf("starting dnsbld: %w", err)
	}
	return d, policy, nil
}

// policyRequest is what Postfix 3.7 sends before a recipient, with all its attributes.
func policyRequest(b []byte, client netip.Addr, greeting string, session, mail int) []byte {
	return fmt.Appendf(b, "request=smtpd_access_policy\nprotocol_state=RCPT\nprotocol_name=ESMTP\nclient_address=%s\nclient_name=unknown\n"+
		"client_port=%d\nreverse_client_name=unknown\nserver_address=192.0.2.25\nserver_port=25\nhelo_name=%s\nsender=a@sender.example\n"+
		"recipient=b@rcpt.example\nrecipient_count=0\nqueue_id=\ninstance=%x.6b03fe60.%x.%x\nsize=0\netrn_domain=\nstress=\nsasl_method=\n"+
		"sasl_username=\nsasl_sender=\nccert_subject=\nccert_issuer=\nccert_fingerprint=\nccert_pubkey_fingerprint=\nencryption_protocol=\n"+
		"encryption_cipher=\nencryption_keysize=0\npolicy_context=\n\n", client, 1024+session%60000, greeting, 1+session%4096, session, mail)
}

// opVisible: how long from the answer to the session that crosses a threshold, told by the policy service, until DNS says that its
// client is listed. The sessions of each client come on a connection that stays open, as Postfix keeps it.
func opVisible(ctx context.Context, o *operations, name string) error {
	d, policy, err := o.sensor(ctx, name)
	if err != nil {
		return err
	}
	defer d.proc.stop()
	clients := o.often(20)
	var took []float64
	for n := range clients {
		client := addr4(203<<24 | 113<<8 | uint32(n+1))
		conn, err := net.Dial("unix", policy)
		if err != nil {
			return fmt.Errorf("asking the policy service: %w", err)
		}
		for session, greeting := range []string{sensorOurs, sensorOursToo, sensorOurs, sensorOursToo} {
			if err := askPolicy(conn, policyRequest(nil, client, greeting, n*10+session, 0)); err != nil {
				conn.Close()
				return err
			}
		}
		since, err := d.awaitListed(ctx, client)
		conn.Close()
		if err != nil {
			return err
		}
		took = append(took, since.Seconds())
	}
	worst := took[0]
	for _, t := range took {
		worst = max(worst, t)
	}
	o.figure(name, "session to listing in DNS, median", median(took)*1e3, "ms")
	o.figure(name, fmt.Sprintf("session to listing in DNS, worst of %d", clients), worst*1e3, "ms")
	return nil
}

// answerWithin is how long a question waits: one that goes astray is not to count as a listing that is late by a second.
const answerWithin = 50 * time.Millisecond

// awaitListed asks until an address is listed, and returns for how long.
func (d *dnsbld) awaitListed(ctx context.Context, a netip.Addr) (time.Duration, error) {
	start := time.Now()
	q := onlyQuery(a, d.site.zone, wantListed)
	for time.Since(start) < time.Minute && ctx.Err() == nil {
		if ask(d.site.addr, q, rules{anyCode: true}, answerWithin) == nil {
			return time.Since(start), nil
		}
		time.Sleep(time.Millisecond)
	}
	return 0, errors.Join(ctx.Err(), fmt.Errorf("%s is not listed after a minute", a))
}

// askPolicy sends a request and reads its answer, which is DUNNO.
func askPolicy(conn net.Conn, request []byte) error {
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	if _, err := conn.Write(request); err != nil {
		return fmt.Errorf("asking the policy service: %w", err)
	}
	return readPolicy(conn)
}

const policyAnswer = "action=DUNNO\n\n"

func readPolicy(conn net.Conn) error {
	var answer [len(policyAnswer)]byte
	for n := 0; n < len(answer); {
		more, err := conn.Read(answer[n:])
		if err != nil {
			return fmt.Errorf("reading the policy service's answer: %w", err)
		}
		n += more
	}
	if string(answer[:]) != policyAnswer {
		return fmt.Errorf("the policy service answered %q", answer[:])
	}
	return nil
}
