using System.Data.Common;

namespace Hive.Common.Storage;

/// <summary>Counts and changes the rows of a slice in a restored database. It fails where the table is missing, so a
/// database of something else is not restored.</summary>
public interface IRestoredRows
{
    /// <summary>Counts the rows, as <c>3 agents</c>; null for nothing worth telling.</summary>
    string? Count(DbConnection db);

    /// <summary>Changes rows that do not hold for the restored Hive, such as those of running processes.</summary>
    void Change(DbConnection db);
}
