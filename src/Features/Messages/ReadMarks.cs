using System.Data.Common;
using System.Text.Json;
using Dapper;
using Hive.Common.Storage;
using Hive.Features.Messages.Contracts;

namespace Hive.Features.Messages;

/// <inheritdoc />
internal sealed class ReadMarks(Leases leases) : IReadMarks
{
    public IReadOnlyDictionary<long, DateTimeOffset?> Of(DbConnection db, IReadOnlyCollection<long> messages) =>
        db.Query<(long Id, long? AckedAt)>(
                """
                SELECT m.id, m.acked_at
                  FROM json_each(@ids) i
                  JOIN messages m ON m.id = i.value
                """,
                new { ids = JsonSerializer.Serialize(messages) }
            )
            .ToDictionary(
                m => m.Id,
                m => m.AckedAt is { } at ? DateTimeOffset.FromUnixTimeMilliseconds(at) : (DateTimeOffset?)null
            );

    public string IsUnread(string id) => $"EXISTS (SELECT 1 FROM messages m WHERE m.id = {id} AND m.acked_at IS NULL)";

    public void ReadByOperator(IWrite write, long message) => leases.AckRead(write, [message]);
}
