using System.Data.Common;
using Hive.Common.Storage;

namespace Hive.Features.Messages.Contracts;

/// <summary>Tells which messages are acknowledged, for a slice that sends several for one thing.</summary>
internal interface IReadMarks
{
    /// <summary>When each of the messages was acknowledged; null while it is not. Deleted messages are left
    /// out.</summary>
    IReadOnlyDictionary<long, DateTimeOffset?> Of(DbConnection db, IReadOnlyCollection<long> messages);

    /// <summary>SQL that is true while a message is not acknowledged; false for a deleted one.</summary>
    /// <param name="id">The column with the message's id, such as <c>s.message</c>.</param>
    string IsUnread(string id);

    /// <summary>Acknowledges a message that the operator has read; does nothing to any other.</summary>
    void ReadByOperator(IWrite write, long message);
}
