\getenv user SLUICE_USER
\getenv database SLUICE_DATABASE
\getenv password SLUICE_PASSWORD
\getenv mark SLUICE_MARK
SELECT format('CREATE ROLE %I LOGIN', :'user')
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'user') \gexec
SELECT statement
  FROM pg_roles, LATERAL (VALUES
         (1, format('ALTER ROLE %I PASSWORD %L', :'user', :'password')),
         (2, format('COMMENT ON ROLE %I IS %L', :'user', :'mark'))) AS change (step, statement)
 WHERE rolname = :'user' AND shobj_description(oid, 'pg_authid') IS DISTINCT FROM :'mark'
 ORDER BY step \gexec
SELECT format('CREATE DATABASE %I OWNER %I', :'database', :'user')
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', :'database')
  FROM pg_database
 WHERE datname = :'database'
   AND has_database_privilege('public', oid, 'CONNECT') \gexec
