# An open transaction notices what others have committed meanwhile: in can() and in what
# asks about a tenant by its id, also under REPEATABLE READ.  It does so even if no
# statement of its own opens a table in between.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CasnetTest;
use PostgreSQL::Test::Cluster;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('news');
init_cluster($node);
$node->start;
make_fixture($node, 'postgres');

my $can = "SELECT casnet.can('delete_tenant')";
my $ada = open_session($node, 'postgres', 'ada', 'north');
my $cid = open_session($node, 'postgres', 'cid', 'north');
my $role = sub { ask($cid, "SELECT casnet.set_member_role('ada', '$_[0]')") };

# From here on the session has loaded the functions.
is(ask($ada, $can), 't', 'an owner');
is(ask($ada, "SELECT casnet.delete_tenant('$ID{south}')"), 'P0002', 'who deletes no tenant of others');

ask($ada, 'BEGIN');
is(ask($ada, $can), 't', 'can, in a transaction');
$role->('member');
is(ask($ada, $can), 'f', 'and cannot once demoted');
$role->('owner');
is(ask($ada, $can), 't', 'and can again');
$role->('member');
is(ask($ada, "SELECT casnet.delete_tenant('$ID{north}')"), '42501', 'a member deletes no tenant');
ask($ada, 'ROLLBACK');
is(ask($ada, 'SELECT count(*) FROM casnet.records'), '2', 'which is still there');

ask($ada, 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
is(ask($ada, $can), 'f', 'under REPEATABLE READ cannot');
$role->('owner');
is(ask($ada, $can), 't', 'and can');
$role->('member');
is(ask($ada, $can), 'f', 'and cannot again');
ask($ada, 'COMMIT');
is(ask($ada, $can), 'f', 'nor afterwards');

$_->quit foreach $ada, $cid;
$node->stop;
done_testing();
