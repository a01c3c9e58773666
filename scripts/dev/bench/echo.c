//go:build ignore

/*
 * UDP echo: the limit of what a server on sockets can do. It receives and sends up to 32 datagrams a system call with
 * 4 MB buffers and does nothing else, so that its CPU time a datagram is the kernel's share of everybody's.
 *
 * usage: echo PORT   (on 127.0.0.1)
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BATCH 32
#define SIZE 2048
#define BUFFER (4 << 20)

static char data[BATCH][SIZE];
static struct sockaddr_in from[BATCH];
static struct iovec iov[BATCH];
static struct mmsghdr msg[BATCH];

static void set_buffer(int fd, int option, int force)
{
	int size = BUFFER;

	if (setsockopt(fd, SOL_SOCKET, force, &size, sizeof size) != 0)
		(void)setsockopt(fd, SOL_SOCKET, option, &size, sizeof size);
}

static void send_all(int fd, int n)
{
	int sent = 0;

	while (sent < n) {
		int k = sendmmsg(fd, msg + sent, n - sent, 0);

		if (k < 0)
			k = errno == EINTR ? 0 : 1; /* skip what cannot be sent */
		sent += k;
	}
}

static void echo(int fd)
{
	for (;;) {
		int i, n;

		for (i = 0; i < BATCH; i++) {
			iov[i].iov_len = SIZE;
			msg[i].msg_hdr.msg_namelen = sizeof from[i];
		}
		n = recvmmsg(fd, msg, BATCH, MSG_WAITFORONE, NULL);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			perror("recvmmsg");
			return;
		}
		for (i = 0; i < n; i++)
			iov[i].iov_len = msg[i].msg_len;
		send_all(fd, n);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in addr;
	int fd, i;

	if (argc != 2) {
		fprintf(stderr, "usage: echo PORT\n");
		return 2;
	}
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	set_buffer(fd, SO_RCVBUF, SO_RCVBUFFORCE);
	set_buffer(fd, SO_SNDBUF, SO_SNDBUFFORCE);
	memset(&addr, 0, sizeof addr);
	addr.sin_family = AF_INET;
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	addr.sin_port = htons((unsigned short)atoi(argv[1]));
	if (bind(fd, (struct sockaddr *)&addr, sizeof addr) != 0) {
		perror("bind");
		return 1;
	}
	for (i = 0; i < BATCH; i++) {
		iov[i].iov_base = data[i];
		msg[i].msg_hdr.msg_iov = &iov[i];
		msg[i].msg_hdr.msg_iovlen = 1;
		msg[i].msg_hdr.msg_name = &from[i];
	}
	echo(fd);
	return 1;
}
