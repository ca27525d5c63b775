package main

import (
	"fmt"
	"math/rand"
	"net"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
)

// As much of a connection as a manager reads, with a close that costs nothing: as the mock connections on the other side.
type mockConn struct {
	network.Conn
	remote  peer.ID
	address multiaddr.Multiaddr
	stats   network.ConnStats
}

func (c *mockConn) RemotePeer() peer.ID                        { return c.remote }
func (c *mockConn) RemoteMultiaddr() multiaddr.Multiaddr       { return c.address }
func (c *mockConn) Stat() network.ConnStats                    { return c.stats }
func (c *mockConn) Close() error                               { return nil }
func (c *mockConn) CloseWithError(network.ConnErrorCode) error { return nil }

// Four of five are inbound, up to two streams each.
func mockConns(count int) []*mockConn {
	random := rand.New(rand.NewSource(1))
	conns := make([]*mockConn, count)

	for i := range conns {
		// as long as the id of an Ed25519 key
		id := append([]byte{0, 36, 8, 1, 18, 32}, make([]byte, 32)...)
		random.Read(id[6:])

		conn := &mockConn{remote: peer.ID(id), address: multiaddr.StringCast(fmt.Sprintf("/ip4/%s/tcp/4001", address(i)))}
		conn.stats.Direction = network.DirOutbound
		if random.Float64() < 0.8 {
			conn.stats.Direction = network.DirInbound
		}
		conn.stats.NumStreams = random.Intn(3)
		conns[i] = conn
	}
	return conns
}

func address(at int) net.IP {
	bits := uint32(at) * 0x9e3779b1
	return net.IPv4(byte(bits>>24), byte(bits>>16), byte(bits>>8), byte(bits))
}
