namespace Hive.Common.Doors;

/// <summary>A connection that no key has come over yet; a feature of its requests. The server closes such connections
/// early.</summary>
public interface IKeylessConnection
{
    /// <summary>A request has arrived, with all of its headers.</summary>
    void Begin();

    /// <summary>A request has been answered.</summary>
    void End();

    /// <summary>A right key came over the connection: it is not limited any more.</summary>
    void HasKey();
}
