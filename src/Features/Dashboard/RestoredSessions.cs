using System.Data.Common;
using Dapper;
using Hive.Common.Storage;

namespace Hive.Features.Dashboard;

/// <summary>Ends the sessions of a backup: some of them may have been ended after it was made.</summary>
internal sealed class RestoredSessions : IRestoredRows
{
    public string? Count(DbConnection db) => null;

    public void Change(DbConnection db) => db.Execute("DELETE FROM sessions");
}
