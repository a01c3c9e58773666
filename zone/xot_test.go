package zone

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// certificate writes a certificate for a name and its key into files.
func certificate(t *testing.T, name string) (cert, key string, pool *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: raw}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}))
	return cert, key, pool
}

// listenTLS has a server answer over TLS too.
func (b *bench) listenTLS(how *tls.Config) (address string) {
	b.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- b.server.Serve(ctx, nil, []net.Listener{tls.NewListener(l, how)}) }()
	b.t.Cleanup(func() {
		end()
		if err := <-served; err != nil {
			b.t.Error(err)
		}
	})
	return l.Addr().String()
}

// Transfers over TLS (RFC 9103): to clients of TLS 1.3 that ask for "dot", and of a
// zone that says so over nothing else.
func TestTransferTLS(t *testing.T) {
	c := transferConfig(t)
	c.Zones[0].TransferTLS = true
	b := serve(t, c, "192.0.2.7 helo-bare-ip\n")
	cert, key, pool := certificate(t, "ns1.bl.test")
	how, err := TransferTLS(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	at := b.listenTLS(how)
	pull := func(client *tls.Config) (records int, err error) {
		m := axfr("bl.test.")
		m.SetTsig(keyName, dns.HmacSHA256, 300, time.Now().Unix())
		client.RootCAs, client.ServerName = pool, "ns1.bl.test"
		conn, err := tls.Dial("tcp", at, client)
		if err != nil {
			return 0, err
		}
		defer conn.Close()
		in, err := (&dns.Transfer{Conn: &dns.Conn{Conn: conn}, ReadTimeout: time.Minute, WriteTimeout: time.Minute, TsigSecret: map[string]string{keyName: keySecret}}).In(m, "")
		if err != nil {
			return 0, err
		}
		for e := range in {
			if e.Error != nil {
				return records, e.Error
			}
			records += len(e.RR)
		}
		return records, nil
	}
	if n, err := pull(&tls.Config{NextProtos: []string{"dot"}}); err != nil || n < 5 {
		t.Errorf("%d records, %v", n, err)
	}
	for name, client := range map[string]*tls.Config{"without ALPN": {}, "for something else": {NextProtos: []string{"h2"}},
		"TLS 1.2": {NextProtos: []string{"dot"}, MaxVersion: tls.VersionTLS12}} {
		if n, err := pull(client); err == nil {
			t.Errorf("%s: %d records", name, n)
		}
	}
	if _, _, err := b.pull(axfr("bl.test."), keySecret); err == nil {
		t.Error("a zone for TLS alone is given in the clear")
	}
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	if _, err := TransferTLS(cert, key); err == nil {
		t.Error("a certificate without its key is taken")
	}
}

// A mirror takes a zone over TLS 1.3 as "dot", from a server that shows a certificate
// for the name it is known by, which those whom the mirror trusts signed: nothing else
// is asked for the zone.
func TestMirrorOverTLS(t *testing.T) {
	c := transferConfig(t)
	c.Zones[0].TransferTLS = true
	b := serve(t, c, "192.0.2.7 helo-bare-ip\n")
	cert, key, _ := certificate(t, "ns1.bl.test")
	others, _, _ := certificate(t, "ns1.bl.test")
	for name, c := range map[string]struct {
		server            func(*tls.Config)
		name, authorities string
		want              string
	}{
		"right":              {name: "ns1.bl.test", authorities: cert},
		"name in capitals":   {name: "NS1.bl.test.", authorities: cert},
		"another name":       {name: "ns2.bl.test", authorities: cert, want: "certificate is valid for ns1.bl.test, not ns2.bl.test"},
		"others signed it":   {name: "ns1.bl.test", authorities: others, want: "certificate signed by unknown authority"},
		"whom all trust":     {name: "ns1.bl.test", want: "failed to verify certificate"},
		"TLS 1.2":            {name: "ns1.bl.test", authorities: cert, server: func(c *tls.Config) { c.MinVersion, c.MaxVersion = 0, tls.VersionTLS12 }, want: "protocol version not supported"},
		"without ALPN":       {name: "ns1.bl.test", authorities: cert, server: func(c *tls.Config) { c.NextProtos = nil }, want: `does not choose the protocol "dot"`},
		"for something else": {name: "ns1.bl.test", authorities: cert, server: func(c *tls.Config) { c.NextProtos = []string{"h2"} }, want: "no application protocol"},
	} {
		t.Run(name, func(t *testing.T) {
			how, err := TransferTLS(cert, key)
			if err != nil {
				t.Fatal(err)
			}
			if c.server != nil {
				c.server(how)
			}
			config := mirrorConfig(t, b.listenTLS(how))
			if config.Zones[0].Primary.TLS, err = PrimaryTLS(c.name, c.authorities); err != nil {
				t.Fatal(err)
			}
			got, err := newServer(t, config, "").server.Take(t.Context(), nil)
			if !strings.Contains(fmt.Sprint(err), cmp.Or(c.want, "<nil>")) || err == nil && got.List.Len() == 0 {
				t.Errorf("%+v, %v, want %q", got, err, c.want)
			}
		})
	}
	if _, err := newServer(t, mirrorConfig(t, b.address()), "").server.Take(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "REFUSED") {
		t.Errorf("in the clear: %v", err)
	}
	if _, err := PrimaryTLS("ns1.bl.test", key); err == nil {
		t.Error("a file without a certificate is taken")
	}
}
