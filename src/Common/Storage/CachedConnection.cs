using System.Data;
using System.Data.Common;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Data.Sqlite;

namespace Hive.Common.Storage;

/// <summary>
/// Wraps a connection and keeps prepared commands by their SQL text, so that Dapper does not prepare the same statement
/// again. Not thread-safe, like the connection itself. Only the store begins transactions.
/// </summary>
internal sealed class CachedConnection(SqliteConnection connection) : DbConnection
{
    private readonly Dictionary<string, SqliteCommand> idle = [];

    // Compared by reference: SQL texts are constants, and hashing a long one costs as much as running it.
    private readonly Dictionary<string, Statement> statements = new(ReferenceEqualityComparer.Instance);

    public SqliteConnection Inner => connection;

    [AllowNull]
    public override string ConnectionString
    {
        get => connection.ConnectionString;
        set => throw new NotSupportedException("the store opens its own connections");
    }

    public override string Database => connection.Database;

    public override string DataSource => connection.DataSource;

    public override string ServerVersion => connection.ServerVersion;

    public override ConnectionState State => connection.State;

    /// <summary>The connection's prepared statement for an SQL text.</summary>
    public Statement PrepareStatement([ConstantExpected] string sql)
    {
        if (!statements.TryGetValue(sql, out var statement))
            statements.Add(sql, statement = new Statement(connection.Handle!, sql));
        return statement;
    }

    public override void ChangeDatabase(string databaseName) => connection.ChangeDatabase(databaseName);

    public override void Open() => connection.Open();

    public override void Close() => connection.Close();

    protected override DbTransaction BeginDbTransaction(IsolationLevel isolationLevel) =>
        throw new NotSupportedException("a write already runs inside the store's transaction");

    protected override DbCommand CreateDbCommand() => new Command(this);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            foreach (var command in idle.Values)
                command.Dispose();
            idle.Clear();
            foreach (var statement in statements.Values)
                statement.Dispose();
            statements.Clear();
            connection.Dispose();
        }

        base.Dispose(disposing);
    }

    // A command is removed while in use, so that the same SQL inside its own reader gets a second one.
    private SqliteCommand Take(string sql)
    {
        if (idle.Remove(sql, out var command))
            return command;
        command = connection.CreateCommand();
        command.CommandText = sql;
        return command;
    }

    private void GiveBack(SqliteCommand command)
    {
        command.Parameters.Clear();
        if (!idle.TryAdd(command.CommandText, command))
            command.Dispose();
    }

    private sealed class Command(CachedConnection owner) : DbCommand
    {
        private SqliteCommand? inner;

        [AllowNull]
        public override string CommandText
        {
            get => inner?.CommandText ?? "";
            set
            {
                Return();
                inner = owner.Take(value ?? "");
            }
        }

        public override int CommandTimeout { get; set; }

        public override CommandType CommandType { get; set; } = CommandType.Text;

        public override bool DesignTimeVisible { get; set; }

        public override UpdateRowSource UpdatedRowSource { get; set; }

        protected override DbConnection? DbConnection
        {
            get => owner;
            set { }
        }

        protected override DbParameterCollection DbParameterCollection => Prepared.Parameters;

        protected override DbTransaction? DbTransaction { get; set; }

        private SqliteCommand Prepared => inner ?? throw new InvalidOperationException("set CommandText first");

        public override void Cancel() => Prepared.Cancel();

        public override int ExecuteNonQuery() => Prepared.ExecuteNonQuery();

        public override object? ExecuteScalar() => Prepared.ExecuteScalar();

        public override void Prepare() => Prepared.Prepare();

        protected override DbParameter CreateDbParameter() => new SqliteParameter();

        protected override DbDataReader ExecuteDbDataReader(CommandBehavior behavior) =>
            Prepared.ExecuteReader(behavior);

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                Return();
            base.Dispose(disposing);
        }

        private void Return()
        {
            if (inner is not null)
                owner.GiveBack(inner);
            inner = null;
        }
    }
}
