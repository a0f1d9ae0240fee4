using System.Data.Common;
using Dapper;
using Hive.Common.Storage;
using Hive.Protocol;

namespace Hive.Features.Messages;

/// <summary>Counts the messages of a backup.</summary>
internal sealed class RestoredMessages : IRestoredRows
{
    public string? Count(DbConnection db) =>
        Counted.Of(db.ExecuteScalar<long>("SELECT count(*) FROM messages"), "message");

    public void Change(DbConnection db) { }
}
