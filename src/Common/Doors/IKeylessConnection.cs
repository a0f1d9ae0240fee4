namespace Hive.Common.Doors;

/// <summary>A connection whose requests may come without a key; a feature of its requests. The server limits the
/// connections without a key.</summary>
public interface IKeylessConnection
{
    /// <summary>A request has arrived, with all of its headers.</summary>
    void Begin();

    /// <summary>A request has been answered.</summary>
    void End();

    /// <summary>A right key came over the connection: it is not limited any more.</summary>
    void HasKey();

    /// <summary>A request without a right key came over the connection: it is limited, also when an earlier request had
    /// a key that was right then.</summary>
    void HasNoKey();
}
