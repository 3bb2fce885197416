#!/usr/bin/perl
# Mail::IMAPClient through what it can do, on an empty mailbox.
#	imapclient.pl PORT PLAIN-PORT CA USER PASSWORD
use strict;
use warnings;
use Mail::IMAPClient;
use Mail::IMAPClient::BodyStructure;
use Test::More;

my ($port, $plain_port, $ca, $user, $password) = @ARGV;
my $tls = [ SSL_ca_file => $ca, SSL_verify_mode => 1,
    SSL_verifycn_name => 'localhost', SSL_verifycn_scheme => 'imap' ];

sub connected {
	my $c = Mail::IMAPClient->new(
	    Server => 'localhost', User => $user, Password => $password,
	    Uid => 1, Timeout => 120, Peek => 1, @_)
	    or die "no connection: $@";
	return $c;
}

sub letter {
	my ($subject, $date, $id, $reply) = @_;
	return "From: Sender <s\@example.net>\r\nTo: $user\r\n" .
	    "Subject: $subject\r\nDate: $date\r\nMessage-ID: <$id>\r\n" .
	    ($reply ? "In-Reply-To: <$reply>\r\nReferences: <$reply>\r\n" : '') .
	    "\r\nThe body of $subject.\r\n";
}

# -- ways in
{
	my $c = connected(Port => $plain_port, Starttls => $tls);
	ok($c->IsAuthenticated, 'STARTTLS and LOGIN');
	ok($c->logout, 'LOGOUT');
	$c = connected(Port => $port, Ssl => $tls, Authmechanism => 'PLAIN');
	ok($c->IsAuthenticated, 'AUTHENTICATE PLAIN on the port of TLS');
	$c->logout;
	my $bad = Mail::IMAPClient->new(
	    Server => 'localhost', Port => $port, Ssl => $tls, Timeout => 120,
	    User => $user, Password => "not $password");
	ok(!$bad, 'a wrong password is refused');
	$bad = Mail::IMAPClient->new(
	    Server => 'localhost', Port => $plain_port, Timeout => 120);
	ok($bad->has_capability('LOGINDISABLED') || $bad->capability,
	    'a connection before login');
	$bad->disconnect;
	my $small = connected(Port => $port, Ssl => $tls, Compress => 1);
	ok($small->IsAuthenticated && $small->noop, 'COMPRESS after LOGIN');
	ok($small->select('INBOX'), 'SELECT in compressed form');
	$small->logout;
}

my $c = connected(Port => $port, Ssl => $tls);
ok($c->has_capability($_), "CAPABILITY has $_")
    for qw(IMAP4rev1 IDLE NAMESPACE QUOTA SORT UIDPLUS MOVE UNSELECT ID);
ok($c->tag_and_run('ID ("name" "a test")'), 'ID');
my @spaces = $c->namespace;
is($spaces[0][0][0], '', 'NAMESPACE: personal folders begin with nothing');
my $separator = $spaces[0][0][1];
is($c->separator, $separator, 'LIST and NAMESPACE agree about the separator');

# -- folders
my $deep = join $separator, 'Work', 'Deep';
ok($c->create($_), "CREATE $_") for 'Work', $deep, 'With a blank';
is_deeply([sort $c->folders], [sort 'INBOX', 'Work', $deep, 'With a blank'],
    'LIST has them all');
ok($c->exists('Work') && !$c->exists('Nowhere'), 'exists');
ok($c->subscribe($deep), 'SUBSCRIBE');
ok((grep { $_ eq $deep } $c->subscribed), 'LSUB');
ok($c->unsubscribe($deep), 'UNSUBSCRIBE');
ok(!(grep { $_ eq $deep } $c->subscribed), 'and no longer there');
ok($c->rename('With a blank', 'Renamed'), 'RENAME');
ok($c->exists('Renamed') && !$c->exists('With a blank'), 'it has moved');
ok($c->delete('Renamed'), 'DELETE');
ok(!$c->select('Renamed'), 'SELECT of what is gone is refused');
ok($c->select('INBOX'), 'and the connection goes on');
like($c->uidvalidity('INBOX'), qr/^[1-9]\d*$/, 'STATUS UIDVALIDITY');

# -- messages
my @uids = map { $c->append_string('INBOX', letter(@$_)) } (
    [ 'banana', 'Fri, 13 Nov 2026 12:00:00 +0000', 'b@x' ],
    [ 'apple', 'Sat, 14 Nov 2026 12:00:00 +0000', 'a@x' ],
    [ 'Re: banana', 'Sun, 15 Nov 2026 12:00:00 +0000', 'r@x', 'b@x' ]);
is(scalar(grep { /^\d+$/ } @uids), 3, 'APPEND says the UIDs');
my $dated = $c->append_string('INBOX', letter('cherry',
    'Thu, 12 Nov 2026 12:00:00 +0000', 'c@x'), '\\Seen',
    '01-Nov-2026 08:09:10 +0200');
ok($dated, 'APPEND with flags and a date');
push @uids, $dated;
ok($c->select('INBOX'), 'SELECT');
is($c->message_count, 4, 'EXISTS, by STATUS');
is($c->unseen_count, 3, 'SEARCH UNSEEN counts');
is_deeply([ $c->messages ], \@uids, 'UID SEARCH ALL');
is($c->uidnext('INBOX'), $uids[-1] + 1, 'UIDNEXT is the next');
is($c->internaldate($dated), ' 1-Nov-2026 06:09:10 +0000',
    'INTERNALDATE, the same moment');
is_deeply([ $c->search('SUBJECT', \'apple') ], [ $uids[1] ],
    'SEARCH SUBJECT by a literal');
is_deeply([ $c->search('BODY', 'cherry') ], [ $dated ], 'SEARCH BODY');
is_deeply([ $c->search('OR', 'SUBJECT', 'apple', 'HEADER', 'Message-ID',
    'c@x') ], [ @uids[1, 3] ], 'SEARCH OR HEADER');
is_deeply([ $c->since('12-Nov-2026') ], [ @uids[0 .. 2] ], 'SEARCH SINCE');
is_deeply([ $c->sentsince('14-Nov-2026') ], [ @uids[1, 2] ],
    'SEARCH SENTSINCE');
is_deeply([ $c->sort('SUBJECT', 'UTF-8', 'ALL') ],
    [ @uids[1, 0, 2, 3] ], 'SORT SUBJECT');
is_deeply([ $c->sort('REVERSE DATE', 'UTF-8', 'ALL') ],
    [ @uids[2, 1, 0, 3] ], 'SORT REVERSE DATE');
for my $how (qw(REFERENCES ORDEREDSUBJECT)) {
	my $threads = $c->thread($how, 'UTF-8', 'ALL');
	is_deeply([ sort { $a->[0] <=> $b->[0] } @$threads ],
	    [ [ @uids[0, 2] ], [ $uids[1] ], [ $uids[3] ] ], "THREAD $how");
}

is($c->subject($uids[1]), 'apple', 'a header field');
is($c->message_string($uids[1]), letter('apple',
    'Sat, 14 Nov 2026 12:00:00 +0000', 'a@x'), 'BODY[] octet for octet');
is($c->body_string($uids[1]), "The body of apple.\r\n", 'BODY[TEXT]');
is($c->size($uids[1]), length $c->message_string($uids[1]), 'RFC822.SIZE');
my $headers = $c->parse_headers([ $c->messages ], 'Subject', 'Date');
is($headers->{$uids[2]}{Subject}[0], 'Re: banana', 'header fields of many');
my $all = $c->fetch_hash(\@uids, 'RFC822.SIZE', 'FLAGS', 'INTERNALDATE');
is(scalar keys %$all, 4, 'FETCH of a set');
my $envelope = $c->get_envelope($uids[0]);
is($envelope->subject, 'banana', 'ENVELOPE');
is($envelope->messageid, '<b@x>', 'its Message-ID');

my $mixed = $c->append_string('INBOX', join "\r\n",
    'From: s@example.net', 'Subject: two parts', 'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary="=b=(1)"', '', '--=b=(1)',
    'Content-Type: text/plain; charset=utf-8', '', 'first', '--=b=(1)',
    'Content-Type: application/octet-stream; name="a \\"b\\".bin"',
    'Content-Transfer-Encoding: base64', '', 'AAEC', '--=b=(1)--', '');
my $structure = $c->get_bodystructure($mixed);
is($structure->bodytype, 'MULTIPART', 'BODYSTRUCTURE');
is_deeply([ $structure->parts ], [ 1, 2 ], 'and its parts');
like($c->bodypart_string($mixed, 2), qr/^AAEC/, 'BODY[2]');

# -- flags
ok($c->set_flag('Flagged', $uids[0]), 'STORE +FLAGS');
is_deeply([ $c->search('FLAGGED') ], [ $uids[0] ], 'SEARCH FLAGGED');
ok($c->unset_flag('Flagged', $uids[0]), 'STORE -FLAGS');
is_deeply([ $c->search('FLAGGED') ], [], 'and nothing is flagged');
ok($c->see($uids[1]) && grep({ $_ eq $uids[1] } $c->seen), 'see');
ok($c->deny_seeing($uids[1]) && !grep({ $_ eq $uids[1] } $c->seen),
    'deny_seeing');
ok($c->store($uids[1], '+FLAGS', '($Work)'), 'a keyword');
is_deeply([ $c->search('KEYWORD', '$Work') ], [ $uids[1] ], 'SEARCH KEYWORD');

# -- between folders
my $copied = $c->copy('Work', $uids[0], $uids[1]);
like($copied, qr/^\d+[,:]\d+$/, 'COPY says the new UIDs');
my $moved = $c->move($deep, $uids[2]);
ok($moved, 'move');
ok($c->expunge, 'EXPUNGE');
ok(!grep({ $_ eq $uids[2] } $c->messages), 'it is not here');
ok($c->tag_and_run("UID MOVE $mixed Work"), 'MOVE in one command');
ok($c->delete_message($dated) && $c->uidexpunge($dated), 'UID EXPUNGE');
is_deeply([ $c->messages ], [ @uids[0, 1] ], 'what is left');
ok($c->examine('Work'), 'EXAMINE');
is($c->message_count('Work'), 3, 'three came to it');
is_deeply([ sort map { $c->subject($_) } $c->messages ],
    [ sort 'banana', 'apple', 'two parts' ], 'their subjects');
ok(!$c->set_flag('Seen', ($c->messages)[0]), 'STORE is refused there');
ok($c->tag_and_run('UNSELECT'), 'UNSELECT');

# -- quota
my ($root) = map { /QUOTAROOT "?INBOX"? "?(\w+)"?/ ? $1 : () } @{ $c->getquotaroot('INBOX') };
ok(defined $root, "GETQUOTAROOT names a root") or diag(join "", $c->Results);
my ($limit, $usage) = map { $c->$_($root) } 'quota', 'quota_usage';
is($limit, 1024, 'the limit in KiB, as the account has it');
cmp_ok($usage, '>=', 1, 'the usage');

# -- mail that comes while it idles
ok($c->select('INBOX'), 'SELECT again');
my $tag = $c->idle;
ok($tag, 'IDLE');
my $other = connected(Port => $port, Ssl => $tls);
$other->append_string('INBOX', letter('while idle',
    'Mon, 16 Nov 2026 12:00:00 +0000', 'w@x'));
my $told = '';
for (1 .. 60) {
	my $data = $c->idle_data(2) or last;
	$told .= join '', map { ref $_ ? $_->[2] // '' : $_ } @$data;
	last if $told =~ /^\* 3 EXISTS/m;
}
like($told, qr/^\* 3 EXISTS/m, 'it is told of the letter');
ok($c->done($tag), 'DONE');
is_deeply([ map { $c->subject($_) } $c->unseen ],
    [ 'banana', 'apple', 'while idle' ], 'it is there');
ok($c->close, 'CLOSE');
ok($c->reconnect || $c->IsConnected, 'reconnect');
ok($c->select('INBOX') && $c->message_count == 3, 'and all is as it was');
ok($_->logout, 'LOGOUT') for $c, $other;
done_testing;
