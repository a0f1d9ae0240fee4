using System.Data.Common;
using Dapper;
using Hive.Common.Storage;

namespace Hive.Features.Messages;

/// <summary>
/// Keeps the number of the operator's unread messages in the database. The count of the operator's inbox is ahead of
/// what a reader sees; the stored one is that of the snapshot's own moment, from which the page counts on by events.
/// </summary>
internal static class OperatorUnread
{
    /// <summary>Stores the inbox's count, in the write that changes it.</summary>
    public static void Store(IWrite write, long number) =>
        write.Prepare("INSERT OR REPLACE INTO operator_unread (id, messages) VALUES (1, ?1)").Bind(1, number).Step();

    /// <summary>Reads it as it is at the moment of the read.</summary>
    public static long Read(DbConnection db) => db.ExecuteScalar<long>("SELECT messages FROM operator_unread");
}
