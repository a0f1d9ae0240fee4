using Dapper;
using Hive.Features.Tickets;
using Hive.Tests.Common;

namespace Hive.Tests.Tickets;

public sealed class TicketsSchemaTests
{
    [Fact]
    public async Task The_tables_and_indexes_are_made_once_and_rows_stay()
    {
        var folder = Directory.CreateTempSubdirectory("hive-").FullName;
        for (var run = 0; run < 2; run++)
        {
            using var store = new StoreRig(folder, [new TicketsSchema()]).Store;
            var ids = await store.Write(write =>
                write
                    .Db.Query<(long Id, double Rank)>(
                        """
                        INSERT INTO tickets (workflow, title, description, description_refs, priority, phase_id, status,
                                             entered_at, rank, labels, requester, created_at, updated_at)
                        VALUES ('ways', 't', '', '[]', 2, 'PHASE_TODO', 'backlog', 1, 0.5, '[]', 'operator', 1, 1)
                        RETURNING id, rank
                        """
                    )
                    .ToArray()
            );
            Assert.Equal([(run + 1, 0.5)], ids);
            Assert.Equal(
                [
                    "ticket_history: actor, at, data, from_phase, from_status, id, kind, reason, ticket, to_phase, "
                        + "to_status",
                    "ticket_links: blocked, blocker",
                    "tickets: approval, approval_deadline_at, blocked, blocked_at, blocked_reason, context_summary, "
                        + "created_at, deadline_at, description, description_refs, done_at, entered_at, gate, "
                        + "gate_marked, gate_rev, held, id, labels, parent, phase_id, previous_phase_id, priority, "
                        + "rank, rejection_reason, repository, requester, status, title, updated_at, workflow",
                ],
                await store.Read(db =>
                    db.Query<(string Table, string Column)>(
                            """
                            SELECT t.name, c.name
                              FROM sqlite_schema t, pragma_table_info(t.name) c
                             WHERE t.type = 'table' AND t.name LIKE 'ticket%'
                             ORDER BY t.name, c.name
                            """
                        )
                        .GroupBy(c => c.Table, c => c.Column)
                        .Select(t => $"{t.Key}: {string.Join(", ", t)}")
                        .ToArray()
                )
            );
            Assert.Equal(
                [
                    "ticket_history_ticket",
                    "ticket_links_blocked",
                    "tickets_done",
                    "tickets_marked",
                    "tickets_open",
                    "tickets_pending",
                    "tickets_phase",
                ],
                await store.Read(db =>
                    db.Query<string>(
                            "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql LIKE '%ticket%' ORDER BY name"
                        )
                        .ToArray()
                )
            );
        }

        Directory.Delete(folder, recursive: true);
    }
}
