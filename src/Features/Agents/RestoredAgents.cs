using System.Data.Common;
using Dapper;
using Hive.Common.Storage;
using Hive.Protocol;

namespace Hive.Features.Agents;

/// <summary>Counts the agents of a backup.</summary>
internal sealed class RestoredAgents : IRestoredRows
{
    public string? Count(DbConnection db) =>
        Counted.Of(db.ExecuteScalar<long>($"SELECT count(*) FROM {AgentsSchema.Table}"), "agent");

    public void Change(DbConnection db) { }
}
