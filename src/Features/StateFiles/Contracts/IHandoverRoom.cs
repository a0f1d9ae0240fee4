using Hive.Common.Errors;

namespace Hive.Features.StateFiles.Contracts;

/// <summary>Keeps what others hand over to an agent below the limit of the agent's files.</summary>
internal interface IHandoverRoom
{
    /// <summary>Refuses a file that would bring the agent near its limit.</summary>
    /// <exception cref="Problem">Code <c>conflict</c>: there is no room for so many bytes.</exception>
    void MustHaveRoom(string agent, long bytes);

    /// <summary>Counts a file that was handed over, until the agent's files are measured again.</summary>
    void Count(string agent, long bytes);
}
