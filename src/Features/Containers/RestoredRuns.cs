using System.Data.Common;
using Dapper;
using Hive.Common.Storage;

namespace Hive.Features.Containers;

/// <summary>Marks every agent's run as one to be started again: a run that is found after a restore has the files of
/// the former data folder.</summary>
internal sealed class RestoredRuns : IRestoredRows
{
    public string? Count(DbConnection db) => null;

    public void Change(DbConnection db) => db.Execute("UPDATE containers SET restarting = 1");
}
